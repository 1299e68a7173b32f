// Large batches in parts, each step from the same values as the whole batch, or as batches of the parts' size: equal but for the
// rounding of float32.

import {
  assembleBatch,
  type Backend,
  batchNorm,
  classification,
  createTrainer,
  defineModel,
  dropout,
  type Layer,
  mixup,
  randomAffine,
  sequential,
  sgd,
  sharesOf,
} from '@bn/core';
import { fashionMnist } from '@bn/fashion-mnist';
import { batchNormFromScratch, lenet, resnet20 } from '@bn/models';
import { createBackend as createOnnxRuntime } from '@bn/onnxruntime-cuda';
import { createBackend as createReference } from '@bn/reference';
import { createBackend as createWasm } from '@bn/wasm';
import { expect, test } from 'vitest';

interface Task {
  readonly network: Layer;
  readonly batchSize: number;
  readonly steps: number;
  readonly parts: readonly number[];
  /** Of weights and running statistics: the norm of the difference, relative to that of the tensor. */
  readonly allowed: number;
}

const layer: Task = {
  network: lenet({ normalization: batchNorm }),
  ...{ batchSize: 1024, steps: 20, parts: [128, 32, 300] },
  allowed: 1e-6,
};
const scratch: Task = { ...layer, network: lenet({ normalization: () => batchNormFromScratch() }) };
const residual: Task = {
  network: sequential({
    affine: randomAffine({ rotate: 10, shift: 0.1, flip: true }),
    mix: mixup(),
    net: resnet20({ normalization: batchNorm }),
    drop: dropout(0.2),
  }),
  ...{ batchSize: 256, steps: 5, parts: [64, 100] },
  // Rounding tips values near 0 to either side of a relu. In double precision, below, it does not.
  allowed: 2e-3,
};

const wasm = () => createWasm();
const onnxRuntime = () => createOnnxRuntime({ device: 'cpu' });

test.each<[name: string, createBackend: () => Promise<Backend>, task: Task]>([
  ['wasm: the layer', wasm, layer],
  ['wasm: from scratch', wasm, scratch],
  ['wasm: a residual network with augmentation, mixup and dropout', wasm, residual],
  ['ONNX Runtime: the layer', onnxRuntime, layer],
  ['ONNX Runtime: a residual network with augmentation, mixup and dropout', onnxRuntime, residual],
  [
    'the reference in double precision: a residual network with augmentation, mixup and dropout',
    () => createReference({ precision: 64 }),
    { ...residual, batchSize: 12, steps: 2, parts: [5], allowed: 3e-7 },
  ],
])('%s', { timeout: 900_000 }, async (_, createBackend, { network, batchSize, steps, parts, allowed }) => {
  const backend = await createBackend();
  const { train } = await fashionMnist();
  const model = defineModel(network, { input: { shape: [null, 1, 28, 28], dtype: 'float32' } });
  const trainerOf = (microBatch?: number) =>
    createTrainer({ model, backend, objective: classification(), optimizer: sgd(), microBatch });
  const whole = await trainerOf();
  const inParts = await Promise.all(parts.map(trainerOf));
  for (let step = 0; step < steps; step++) {
    const batch = assembleBatch(
      train,
      Int32Array.from({ length: batchSize }, (_, i) => step * batchSize + i),
    );
    const before = await whole.checkpoint();
    whole.restore(before); // in float32 as for the others
    const expected = await whole.step(batch, { learningRate: 0.5 });
    const { tensors } = await whole.checkpoint();
    for (const [i, trainer] of inParts.entries()) {
      trainer.restore(before);
      const { loss, sums } = await trainer.step(batch, { learningRate: 0.5 });
      expect(Math.abs(loss - expected.loss) / expected.loss, 'loss').toBeLessThan(1e-6);
      // One prediction may be a tie.
      expect(Math.abs(sums.accuracy! - expected.sums.accuracy!)).toBeLessThanOrEqual(1);
      for (const [path, { data }] of (await trainer.checkpoint()).tensors) {
        const wanted = tensors.get(path)!.data;
        const apart = Math.hypot(...data.map((v, k) => v - wanted[k]!)) / Math.max(Math.hypot(...wanted), 1e-3);
        // Those begin at 0, so that they are gradients: sums in which values of either sign make up for each other.
        const factor = /beta|bias/.test(path) ? 10 : 1;
        const isRunning = /(running|moving)(Mean|Variance)$/.test(path);
        const most = isRunning ? Math.min(allowed, 2e-6) : factor * allowed;
        expect(apart, `${path}, parts of ${parts[i]}`).toBeLessThanOrEqual(most);
      }
    }
  }
  await backend.dispose();
});

test.each<
  [name: string, createBackend: () => Promise<Backend>, size: { examples: number; microBatch: number }, allowed: number]
>([
  ['wasm', wasm, { examples: 50, microBatch: 20 }, 1e-5],
  ['ONNX Runtime', onnxRuntime, { examples: 50, microBatch: 20 }, 1e-5],
  ['the reference in double precision', () => createReference({ precision: 64 }), { examples: 5, microBatch: 3 }, 3e-7],
])(
  '%s: parts with statistics of their own are the mean of batches of their size',
  { timeout: 900_000 },
  async (_, createBackend, { examples, microBatch }, allowed) => {
    const { train } = await fashionMnist();
    const { shards } = sharesOf(examples, microBatch, 1)[0]!;
    for (const network of [layer.network, resnet20({ normalization: batchNorm })]) {
      const backend = await createBackend();
      const model = defineModel(network, { input: { shape: [null, 1, 28, 28], dtype: 'float32' } });
      const options = { model, backend, objective: classification(), optimizer: sgd() };
      const inParts = await createTrainer({ ...options, microBatch, syncBatchNorm: false });
      const whole = await createTrainer(options);
      for (let step = 0; step < 2; step++) {
        const before = await inParts.checkpoint();
        inParts.restore(before); // in float32 as for the others
        const batchOf = (start: number, size: number) =>
          assembleBatch(
            train,
            Int32Array.from({ length: size }, (_, i) => examples * step + start + i),
          );
        const expected = new Map<string, Float64Array>();
        let [expectedLoss, correct] = [0, 0];
        for (const { start, size } of shards) {
          const share = size / examples;
          whole.restore(before);
          const { loss, sums } = await whole.step(batchOf(start, size), { learningRate: 0.5 });
          expectedLoss += share * loss;
          correct += sums.accuracy!;
          for (const [path, { data }] of (await whole.checkpoint()).tensors) {
            const sum = expected.get(path) ?? new Float64Array(data.length);
            expected.set(
              path,
              sum.map((v, i) => v + share * data[i]!),
            );
          }
        }
        const { loss, sums } = await inParts.step(batchOf(0, examples), { learningRate: 0.5 });
        expect(Math.abs(loss / expectedLoss - 1), 'loss').toBeLessThan(1e-6);
        expect(sums.accuracy).toBe(correct);
        for (const [path, { data }] of (await inParts.checkpoint()).tensors) {
          const wanted = expected.get(path)!;
          const scale = Math.max(0.1, ...wanted.map(Math.abs));
          expect(Math.max(...data.map((v, i) => Math.abs(v - wanted[i]!))) / scale, path).toBeLessThan(allowed);
        }
      }
      await backend.dispose();
    }
  },
);
