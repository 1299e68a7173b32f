// Optimizers against torch.optim and torch.nn.utils: data/torch_training.py made the expected values.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  adam,
  adamW,
  chain,
  classification,
  clip,
  defineModel,
  dense,
  input,
  type Optimizer,
  ops,
  perParameter,
  rmsprop,
  scalar,
  sgd,
  sizeOf,
  trainingStepGraph,
} from '../src/index.js';
import { evaluate } from './evaluate.js';

const torch = JSON.parse(readFileSync(new URL('data/torch-training.json', import.meta.url), 'utf8'));
const paths = ['layer.weight', 'layer.bias'];
const shapes = { 'layer.weight': [2, 3], 'layer.bias': [3] };

/** Four steps from the initial values with the gradients of the file, which depend on the parameters. */
async function fourSteps(optimizer: Optimizer): Promise<Record<string, number[]>> {
  const learned = Object.entries(shapes).map(([path, shape]) => ({
    path,
    value: input(path, shape),
    gradient: input(`gradient of ${path}`, shape),
    slots: Object.fromEntries(optimizer.slots.map((slot) => [slot, input(`${slot}.${path}`, shape)])),
  }));
  const updates = optimizer.update(learned, { learningRate: scalar(torch.rate), step: input('step', []) });
  const outputs = learned.flatMap(({ path, value }, i) => [
    [path, ops.sub(value, updates[i]!.change)] as const,
    ...optimizer.slots.map((slot) => [`${slot}.${path}`, updates[i]!.slots[slot]!] as const),
  ]);
  const zeros = outputs.map(([path, { shape }]) => [path, new Array(sizeOf(shape)).fill(0)]);
  let values: Record<string, number[]> = Object.fromEntries(zeros);
  for (const path of paths) values[path] = torch.initial[path].flat();
  for (const [t, gradients] of torch.gradients.entries()) {
    const given = paths.map((path) => {
      const gradient = gradients[path].flat().map((g: number, i: number) => g + 0.1 * values[path]![i]!);
      return [`gradient of ${path}`, gradient];
    });
    values = await evaluate(Object.fromEntries(outputs), { ...values, ...Object.fromEntries(given), step: [t + 1] });
  }
  return Object.fromEntries(paths.map((path) => [path, values[path]!]));
}

test.each<[string, Optimizer]>([
  ['sgd', sgd()],
  ['sgd with momentum and decay', sgd({ momentum: 0.9, weightDecay: 0.01 })],
  ['sgd with decay of all', sgd({ momentum: 0.9, weightDecay: 0.01, decayAll: true })],
  ['sgd with Nesterov momentum', sgd({ momentum: 0.9, nesterov: true })],
  ['adam', adam()],
  ['adam with decay', adam({ weightDecay: 0.05 })],
  ['adamW', adamW()],
  ['adamW with decay of all', adamW({ weightDecay: 0.1, decayAll: true })],
  ['rmsprop', rmsprop()],
  ['rmsprop with momentum and decay', rmsprop({ decay: 0.9, momentum: 0.5, weightDecay: 0.01 })],
  ['clipped adamW', chain(clip(1), adamW())],
  ['sgd clipped where it is large', chain(clip(1.2), sgd())],
])('%s agrees with PyTorch after four steps', async (name, optimizer) => {
  const values = await fourSteps(optimizer);
  for (const path of paths) {
    expect(values[path]).toEqual(torch.optimizers[name][path].map((v: number) => expect.closeTo(v, 8)));
  }
});

test('weight decay spares gamma and beta by name, whatever their shape, and biases', async () => {
  const spared = await Promise.all(
    ['bn.gamma', 'gamma', 'bn.beta', 'conv.bias', 'conv.weight', 'bias.weight'].map(async (path) => {
      const [value, gradient] = [input('value', [1, 2]), input('gradient', [1, 2])];
      const [update] = sgd({ weightDecay: 0.5 }).update([{ path, value, gradient, slots: {} }], {
        learningRate: scalar(1),
        step: scalar(1),
      });
      const { change } = await evaluate({ change: update!.change }, { value: [2, 2], gradient: [0, 0] });
      return change[0] === 0;
    }),
  );
  expect(spared).toEqual([true, true, true, true, false, false]);
});

describe('mistakes are named', () => {
  test('options out of range', () => {
    expect(() => sgd({ momentum: 1 })).toThrow(/momentum must be at least 0 and below 1/);
    expect(() => sgd({ nesterov: true })).toThrow(/nesterov needs a momentum/);
    expect(() => adam({ beta2: Number.NaN })).toThrow(/beta2/);
    expect(() => clip(0)).toThrow(/clip: the norm must be above 0, got 0/);
  });

  test('a chain of two that would keep the same slot', () => {
    expect(() => chain(adam(), adamW())).toThrow("chain: two of its transforms keep a 'mean'; take one of them");
  });

  test('an optimizer of one’s own that gives another shape, or too little', () => {
    const model = defineModel(dense(3), { input: { shape: [null, 2], dtype: 'float32' } });
    const batch = { features: { shape: [4, 2], dtype: 'float32' }, labels: { shape: [4], dtype: 'int32' } } as const;
    const stepOf = (optimizer: Optimizer) => trainingStepGraph(model, classification(), optimizer, batch);
    const change = ops.broadcastTo(scalar(1), [4, 3, 2]);
    expect(() => stepOf(perParameter([], () => ({ change, slots: {} })))).toThrow(
      "the optimizer's change for 'weight': expected one of [3, 2], got [4, 3, 2]",
    );
    expect(() => stepOf(perParameter(['age'], ({ gradient }) => ({ change: gradient, slots: {} })))).toThrow(
      "the optimizer's 'age' for 'weight': expected one of [3, 2], got none",
    );
    expect(() => stepOf({ slots: [], update: () => [] })).toThrow(/change for 'weight': .* got none/);
  });
});
