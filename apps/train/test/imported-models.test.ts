// Models from other exporters, as they come: each backend computes what ONNX Runtime does, and trains them further.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { classification, createTrainer, sgd } from '@bn/core';
import { importNetwork } from '@bn/onnx';
import { createBackend as createOnnxRuntime, openModel } from '@bn/onnxruntime-cuda';
import { createBackend as createReference } from '@bn/reference';
import { createBackend as createTensorflow } from '@bn/tfjs-cuda';
import { createBackend as createWasm } from '@bn/wasm';
import { describe, expect, test } from 'vitest';
import { metricsOf, smallFolder, train } from './small-run.js';

const backends = {
  'onnxruntime-cuda': createOnnxRuntime,
  'tfjs-cuda': createTensorflow,
  wasm: createWasm,
  reference: createReference,
};
/** Their output, and the shape of their images as the file has it. */
const files = [
  { file: 'torch-cnn.onnx', output: 'scores', shape: [1, 14, 14], classes: 3 },
  { file: 'keras-cnn.onnx', output: 'Identity:0', shape: [28, 28, 1], classes: 10 },
] as const;
const fileOf = (name: string) => fileURLToPath(new URL(`../../../packages/onnx/test/data/${name}`, import.meta.url));

describe.each(files)('$file', ({ file, output, shape, classes }) => {
  const bytes = new Uint8Array(readFileSync(fileOf(file)));
  const count = 5;
  const features = Float32Array.from(
    { length: count * shape[0] * shape[1] * shape[2] },
    (_, i) => ((i * 37) % 101) / 101,
  );

  test.each(Object.entries(backends))('predicts on %s as in ONNX Runtime', async (_, createBackend) => {
    const runtime = await openModel(bytes, { threads: 1 });
    const inputs = {
      [runtime.inputNames[0]!]: { data: features, spec: { shape: [count, ...shape], dtype: 'float32' } as const },
    };
    const expected = (await runtime.run(inputs))[output]!.data;
    await runtime.dispose();

    const backend = await createBackend({ device: 'cpu' });
    const { model } = importNetwork(bytes);
    const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd() });
    const predicted = await trainer.predict(features);
    await trainer.dispose();
    await backend.dispose();
    expect(Array.from(predicted)).toEqual(Array.from(expected, (value) => expect.closeTo(value, 5)));
  });

  test.each(Object.keys(backends).filter((name) => name !== 'reference'))(
    'learns a new task with `train --model` on %s',
    async (backend) => {
      const folder = smallFolder();
      writeCsv(join(folder, 'stripes.csv'), Math.max(...shape), classes);
      const { code, stderr } = await train(folder, [
        ...['--model', fileOf(file), '--backend', backend, '--device', 'cpu', '--data', 'stripes.csv'],
        ...[
          '--epochs',
          '6',
          '--keep',
          'last',
          '--batch-size',
          '25',
          '--optimizer',
          'adam',
          '--learning-rate',
          '0.02',
          '--out',
          'run',
        ],
      ]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const losses = metricsOf(join(folder, 'run')).map(({ loss }) => loss);
      expect(losses).toHaveLength(6);
      expect(losses[5]).toBeLessThan(0.7 * losses[0]!);
    },
  );
});

/** 250 images with stripes, a height of them for each class. */
function writeCsv(file: string, side: number, classes: number): void {
  const header = ['label', ...Array.from({ length: side * side }, (_, i) => `pixel${i + 1}`)];
  const rows = Array.from({ length: 250 }, (_, image) => {
    const label = image % classes;
    const pixels = Array.from({ length: side * side }, (_, i) =>
      Math.round(127 + 120 * Math.sin(Math.floor(i / side) / (0.6 + label) + image * 0.7)),
    );
    return [label, ...pixels];
  });
  writeFileSync(file, [header, ...rows].map((row) => row.join(',')).join('\n'));
}
