// The reference task's two ways to batch normalization, on real data and a real runtime.

import { batchNorm, classification, createTrainer, defineModel, type Layer, sgd } from '@bn/core';
import { fashionMnist } from '@bn/fashion-mnist';
import { batchNormFromScratch, lenet } from '@bn/models';
import { createBackend } from '@bn/onnxruntime-cuda';
import { expect, test } from 'vitest';

async function losses(normalization: () => Layer, steps: number): Promise<number[]> {
  const backend = await createBackend({ device: 'cpu' });
  const model = defineModel(lenet({ normalization }), { input: { shape: [null, 1, 28, 28], dtype: 'float32' } });
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd() });
  const { train } = await fashionMnist();
  const result: number[] = [];
  for await (const event of trainer.fit({ train, epochs: 1, learningRate: 1 })) {
    if (event.type === 'step') result.push(event.loss);
    if (result.length === steps) break;
  }
  await trainer.dispose();
  await backend.dispose();
  return result;
}

test('LeNet with the layer and with batch normalization from scratch have the same losses over 20 steps', async () => {
  const layer = await losses(() => batchNorm(), 20);
  const scratch = await losses(() => batchNormFromScratch(), 20);
  expect(layer[19]).toBeLessThan(layer[0]!);
  expect(scratch).toEqual(layer.map((loss) => expect.closeTo(loss, 4)));
});
