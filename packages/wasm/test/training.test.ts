// Training of LeNet: equal to the last bit on every number of threads, each time and after a resumption, and in memory that
// stops growing.

import {
  batchNorm,
  classification,
  createGenerator,
  defineModel,
  input,
  sgd,
  type TypedArray,
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
const graph = trainingStepGraph(model, classification(), sgd(), { features, labels });

/** Weights and running statistics before the first step. */
function firstValues(): Map<string, TypedArray> {
  const random = createGenerator(5);
  const { parameters, states } = trace(model, input('features', features.shape, 'uint8'), { training: true });
  return new Map(
    [...parameters, ...states].map(([path, { shape, initializer }]) => [path, initializer(shape, random)]),
  );
}

const batch = new Map<string, TypedArray>([
  ['features', Uint8Array.from({ length: 90 * 784 }, (_, i) => (i * 7919) % 251)],
  ['labels', Int32Array.from({ length: 90 }, (_, i) => (i * 7) % 10)],
  ['learningRate', Float32Array.of(0.5)],
]);

/** The step compiled in a new backend, with its inputs. */
async function prepare(threads: number, from: ReadonlyMap<string, TypedArray>) {
  const backend = await createBackend({ threads });
  const executable = await backend.compile(graph);
  const held = new Map<string, Value>();
  for (const [name, { shape, dtype }] of graph.inputs) {
    held.set(name, backend.upload((batch.get(name) ?? from.get(name))!, { shape, dtype }));
  }
  const run = () => executable.run(new Map([...graph.inputs.keys()].map((name) => [name, held.get(name)!])));
  return { backend, held, run };
}

/** Losses, and weights and running statistics at the end. */
async function train(threads: number, { from = firstValues(), steps = 4 } = {}) {
  const { backend, held, run } = await prepare(threads, from);
  const losses: number[] = [];
  const live: number[] = [];
  for (let step = 0; step < steps; step++) {
    for (const [name, value] of await run()) {
      const before = held.get(name);
      if (before) backend.release(before);
      held.set(name, value);
    }
    losses.push((await backend.download(held.get('loss')!))[0]!);
    live.push(backend.liveValues);
  }
  expect(live.at(-1)).toBe(live[1]);
  const values = new Map<string, TypedArray>();
  for (const name of from.keys()) values.set(name, await backend.download(held.get(name)!));
  await backend.dispose();
  return { losses, values };
}

test('losses and weights do not depend on the number of threads', async () => {
  const alone = await train(1);
  expect(alone.losses[3]).toBeLessThan(alone.losses[0]!);
  expect(await train(2)).toEqual(alone);
  expect(await train(3)).toEqual(alone);
});

test('a training that another backend goes on with ends in the same bits', async () => {
  const whole = await train(2);
  const half = await train(2, { steps: 2 });
  const rest = await train(3, { from: half.values, steps: 2 });
  expect([...half.losses, ...rest.losses]).toEqual(whole.losses);
  expect(rest.values).toEqual(whole.values);
});

test('a step gives the same bits a hundred times, whichever thread comes first', async () => {
  const { backend, run } = await prepare(3, firstValues());
  const step = async () => {
    const results: [string, TypedArray][] = [];
    for (const [name, value] of await run()) {
      results.push([name, await backend.download(value)]);
      backend.release(value);
    }
    return results;
  };
  const first = await step();
  for (let i = 1; i < 100; i++) {
    const again = await step();
    // Not toEqual: in millions of numbers that takes seconds.
    const different = first.filter(([, data], k) => Buffer.compare(bytes(data), bytes(again[k]![1])) !== 0);
    expect(different.map(([name]) => name)).toEqual([]);
  }
  await backend.dispose();
});

const bytes = ({ buffer, byteOffset, byteLength }: TypedArray) => Buffer.from(buffer, byteOffset, byteLength);
