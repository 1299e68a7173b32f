// Training of LeNet: equal to the last bit on every number of threads, and in memory that stops growing.

import {
  batchNorm,
  createGenerator,
  defineModel,
  input,
  sgd,
  softmaxCrossEntropy,
  trace,
  trainingStepGraph,
  type Value,
} from '@bn/core';
import { lenet } from '@bn/models';
import { createBackend } from '@bn/wasm';
import { expect, test } from 'vitest';

const features = { shape: [90, 1, 28, 28], dtype: 'uint8' } as const;
const labels = { shape: [90], dtype: 'int32' } as const;
const model = defineModel(lenet({ normalization: () => batchNorm() }), {
  input: { shape: [null, 1, 28, 28], dtype: 'float32' },
});
const graph = trainingStepGraph(model, softmaxCrossEntropy(), sgd(), { features, labels });

/** Losses and weights of a few steps. */
async function train(threads: number): Promise<{ losses: number[]; weights: number[] }> {
  const backend = await createBackend({ threads });
  const executable = await backend.compile(graph);
  const random = createGenerator(5);
  const held = new Map<string, Value>();
  const { parameters, states } = trace(model, input('features', features.shape, 'uint8'), { training: true });
  for (const [path, { shape, initializer }] of [...parameters, ...states]) {
    held.set(path, backend.upload(initializer(shape, random), { shape, dtype: 'float32' }));
  }
  held.set('learningRate', backend.upload(Float32Array.of(0.5), { shape: [], dtype: 'float32' }));
  const pixels = Uint8Array.from({ length: 90 * 784 }, (_, i) => (i * 7919) % 251);
  held.set('features', backend.upload(pixels, features));
  held.set(
    'labels',
    backend.upload(
      Int32Array.from({ length: 90 }, (_, i) => (i * 7) % 10),
      labels,
    ),
  );
  const losses: number[] = [];
  const live: number[] = [];
  for (let step = 0; step < 4; step++) {
    const outputs = await executable.run(new Map([...graph.inputs.keys()].map((name) => [name, held.get(name)!])));
    for (const [name, value] of outputs) {
      const before = held.get(name);
      if (before) backend.release(before);
      held.set(name, value);
    }
    losses.push((await backend.download(held.get('loss')!))[0]);
    live.push(backend.liveValues);
  }
  expect(live[3]).toBe(live[1]);
  const weights = Array.from(await backend.download(held.get('conv2.weight')!));
  await backend.dispose();
  return { losses, weights };
}

test('losses and weights do not depend on the number of threads', async () => {
  const alone = await train(1);
  expect(alone.losses[3]).toBeLessThan(alone.losses[0]);
  expect(await train(2)).toEqual(alone);
  expect(await train(3)).toEqual(alone);
});
