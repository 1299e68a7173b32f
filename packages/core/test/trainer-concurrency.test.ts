// Calls that are not awaited see what the calls before them left: none reads values that a step is replacing.

import { createBackend } from '@bn/reference';
import { expect, test } from 'vitest';
import { classification, createTrainer, defineModel, dense, sgd, type Trainer } from '../src/index.js';

const batch = { features: Float32Array.of(1, 2, -1, 0.5, 3, -2), labels: Int32Array.of(0, 1, 2) };
const step = (trainer: Trainer) => trainer.step(batch, { learningRate: 0.1 });

async function setup(): Promise<Trainer> {
  const model = defineModel(dense(3), { input: { shape: [null, 2], dtype: 'float32' } });
  const optimizer = sgd({ momentum: 0.9 });
  return createTrainer({ model, backend: await createBackend(), objective: classification(), optimizer, seed: 1 });
}

test.each<[string, (trainer: Trainer) => Promise<unknown>]>([
  ['step', step],
  ['values', (trainer) => trainer.values()],
  ['checkpoint', (trainer) => trainer.checkpoint()],
  ['predict', (trainer) => trainer.predict(batch.features)],
])('%s waits for the step before it', async (_, call) => {
  const [one, other] = [await setup(), await setup()];
  const [, , actual] = await Promise.all([step(one), step(one), call(one)]);
  await step(other);
  await step(other);
  expect(actual).toEqual(await call(other));
});

test('a trainer that is disposed of ends the step before', async () => {
  const trainer = await setup();
  const [result] = await Promise.all([step(trainer), trainer.dispose()]);
  expect(result.loss).toBeGreaterThan(0);
});

test('load and restore are refused while a step runs', async () => {
  const trainer = await setup();
  const checkpoint = await trainer.checkpoint();
  const running = step(trainer);
  expect(() => trainer.restore(checkpoint)).toThrow('restore: a step or another call is still running; await it first');
  expect(() => trainer.load(checkpoint.tensors)).toThrow('load: ');
  await running;
  trainer.restore(checkpoint);
});
