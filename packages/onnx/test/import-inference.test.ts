// Models imported to predict with: the file's own outputs, by name, as ONNX Runtime computes them.

import { readFileSync } from 'node:fs';
import type { TypedArray } from '@bn/core';
import { openModel } from '@bn/onnxruntime-cuda';
import { createBackend } from '@bn/reference';
import { expect, onTestFinished, test } from 'vitest';
import { exportInference, importInference } from '../src/index.js';
import { floats, handMade, node } from './build-model.js';
import { largestDifference, randomPixels, randomValues, smallModel } from './small-network.js';

const torchCnn = new Uint8Array(readFileSync(new URL('data/torch-cnn.onnx', import.meta.url)));
const small = exportInference(smallModel(), randomValues(smallModel()), { metadata: { licence: 'MIT' } });

async function inReference(bytes: Uint8Array, features: TypedArray): Promise<Record<string, TypedArray>> {
  const { graph, input } = importInference(bytes);
  const backend = await createBackend();
  onTestFinished(() => backend.dispose());
  const size = input.spec.shape.slice(1).reduce<number>((product, n) => product * n!, 1);
  const value = backend.upload(features, {
    ...input.spec,
    shape: [features.length / size, ...input.spec.shape.slice(1)],
  });
  const outputs = await (await backend.compile(graph)).run(new Map([[input.name, value]]));
  const data = [...outputs].map(async ([name, output]) => [name, await backend.download(output)] as const);
  return Object.fromEntries(await Promise.all(data));
}

test.each<[string, Uint8Array, (count: number) => Uint8Array | Float32Array, readonly number[]]>([
  ['a model of PyTorch', torchCnn, (n) => Float32Array.from({ length: n * 196 }, (_, i) => (i % 7) / 7), [1, 14, 14]],
  ['an export with two outputs', small, (n) => randomPixels(n), [2, 8, 8]],
])('%s: all outputs are those of ONNX Runtime, for any batch size', async (_, bytes, features, shape) => {
  const runtime = await openModel(bytes, { threads: 1 });
  onTestFinished(() => runtime.dispose());
  for (const count of [1, 3]) {
    const data = features(count);
    const dtype = data instanceof Uint8Array ? 'uint8' : 'float32';
    const spec = { shape: [count, ...shape], dtype } as const;
    const expected = await runtime.run({ [runtime.inputNames[0]!]: { data, spec } });
    const outputs = await inReference(bytes, data);
    expect(Object.keys(outputs).sort()).toEqual([...runtime.outputNames].sort());
    for (const name of runtime.outputNames) {
      expect(largestDifference(outputs[name]!, expected[name]!.data), name).toBeLessThan(1e-5);
    }
  }
});

test('tells the input and the texts of the file', () => {
  const { input, metadata, graph } = importInference(small);
  expect(input).toEqual({ name: 'features', spec: { dtype: 'uint8', shape: [null, 2, 8, 8] } });
  expect(metadata).toMatchObject({ licence: 'MIT' });
  expect([...graph.inputs.keys()]).toEqual(['features']);
});

test('a file is refused as when it is to be trained', () => {
  expect(() => importInference(torchCnn.subarray(0, 500))).toThrow('the bytes are not an ONNX model');
  const constant = handMade({ nodes: [node('Relu', ['w'])], initializers: [floats('w', [2])] });
  expect(() => importInference(constant)).toThrow("nothing that the model computes depends on its input 'x'");
  expect(() => importInference(handMade({ nodes: [node('Det', ['x'])] }))).toThrow(
    "node 'Det_y' (Det, opset 17): this operator is not imported",
  );
});
