// Batches in shares that are normalized each by itself, beside PyTorch: data/torch_shares.py wrote the numbers.

import { readFileSync } from 'node:fs';
import { createBackend } from '@bn/reference';
import { describe, expect, test } from 'vitest';
import {
  batchNorm,
  chain,
  classification,
  clip,
  conv2d,
  createTrainer,
  defineModel,
  dense,
  flatten,
  type HostTensor,
  type Optimizer,
  type Party,
  sequential,
  sgd,
  sigmoid,
  sizeOf,
  toTorch,
} from '../src/index.js';
import { variablesOf } from '../src/model.js';
import { numbers } from './evaluate.js';
import { partiesOf } from './parties.js';

interface Step {
  readonly loss: number;
  readonly correct: number;
  readonly gradients: Readonly<Record<string, number[]>>;
  /** Of parameters and running statistics after the step. */
  readonly values: Readonly<Record<string, number[]>>;
}
interface Golden {
  readonly rate: number;
  readonly momentum: number;
  readonly clip: number;
  readonly cases: Readonly<Record<string, { readonly sizes: readonly number[]; readonly steps: readonly Step[] }>>;
}
const file = new URL('data/torch-shares.json', import.meta.url);
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;

const model = defineModel(
  sequential({
    conv1: conv2d(3, { kernelSize: 3 }),
    bn1: batchNorm({ convention: 'torch' }),
    act1: sigmoid(),
    flatten: flatten(),
    hidden: dense(5),
    bn2: batchNorm({ convention: 'torch' }),
    act2: sigmoid(),
    out: dense(3),
  }),
  { input: { shape: [null, 1, 6, 6], dtype: 'float32' } },
);

/** As the script has them: gamma 1, the others by the number of the parameter. */
const initial = new Map(
  [...variablesOf(model).parameters].map(([path, { shape }], phase): [string, HostTensor] => {
    const size = sizeOf(shape);
    return [
      path,
      { shape, data: path.endsWith('gamma') ? new Float32Array(size).fill(1) : single(numbers(size, phase)) },
    ];
  }),
);

function single(values: readonly number[]): Float32Array {
  return Float32Array.from(values);
}

function batchAt(step: number, examples: number) {
  const features = single(numbers(examples * 36, 40 + step)).map((v, i) => 2 ** Math.floor(Math.floor(i / 36) / 3) * v);
  return { features, labels: Int32Array.from({ length: examples }, (_, i) => i % 3) };
}

/** Steps of one process or of several; the values after each, by PyTorch's names. */
async function train(
  optimizer: Optimizer,
  rate: number,
  examples: number,
  division: { microBatch?: number; party?: Party },
) {
  const backend = await createBackend({ precision: 64 });
  const objective = classification();
  const trainer = await createTrainer({ model, backend, objective, optimizer, ...division, syncBatchNorm: false });
  trainer.load(initial);
  const steps: { loss: number; correct: number; values: ReadonlyMap<string, HostTensor> }[] = [];
  for (let step = 0; step < 2; step++) {
    const { loss, sums } = await trainer.step(batchAt(step, examples), { learningRate: rate });
    steps.push({ loss, correct: sums.accuracy!, values: toTorch(model, await trainer.values()) });
  }
  await backend.dispose();
  return steps;
}

/** `values` has single precision, relative to `least` at least. */
function expectClose(values: ArrayLike<number>, expected: readonly number[], name: string, least = 1): void {
  const allowed = (v: number) => 2e-7 * Math.max(least, Math.abs(v));
  const off = Array.from(values).findIndex((v, i) => Math.abs(v - expected[i]!) > allowed(expected[i]!));
  expect(off < 0 ? [] : [values[off], expected[off]], name).toEqual([]);
  expect(values, name).toHaveLength(expected.length);
}

describe.each(Object.entries(golden.cases))('%s', (_, { sizes, steps }) => {
  const examples = sizes.reduce((sum, n) => sum + n);
  const microBatch = Math.max(...sizes);

  test('gradients, before anything is made of them', async () => {
    // A step so large that the weight before is little beside it.
    const rate = 1000;
    const [first] = await train(sgd(), rate, examples, { microBatch });
    const before = toTorch(model, initial);
    for (const [name, gradient] of Object.entries(steps[0]!.gradients)) {
      const after = first!.values.get(name)!.data;
      const slopes = Array.from(before.get(name)!.data, (v, i) => (v - after[i]!) / rate);
      expectClose(slopes, gradient, name, 10 / rate);
    }
  });

  test.each([
    ['one process', () => [{ microBatch }]],
    ['several processes', () => partiesOf(sizes.length).map((party) => ({ party }))],
  ])('losses, weights after clipping and momentum, and running statistics: %s', async (_, divisions) => {
    const optimizer = chain(clip(golden.clip), sgd({ momentum: golden.momentum }));
    const all = await Promise.all(divisions().map((division) => train(optimizer, golden.rate, examples, division)));
    for (const mine of all) {
      for (const [i, { loss, correct, values }] of steps.entries()) {
        expect(mine[i]!.loss).toBeCloseTo(loss, 7);
        expect(mine[i]!.correct).toBe(correct);
        for (const [name, data] of Object.entries(values)) {
          expectClose(mine[i]!.values.get(name)!.data, data, `${name} after step ${i + 1}`);
        }
      }
    }
  });
});
