// New heads: which layer they replace, and what they refuse.

import { createBackend } from '@bn/reference';
import { expect, test } from 'vitest';
import {
  classification,
  conv2d,
  createTrainer,
  defineModel,
  dense,
  flatten,
  headOf,
  type Layer,
  newHead,
  ops,
  relu,
  sequential,
  sgd,
  sizeOf,
} from '../src/index.js';

const of = (network: Layer, shape: number[] = [4]) =>
  defineModel(network, { input: { shape: [null, ...shape], dtype: 'float32' } });

const within =
  (body: (x: Parameters<Layer>[0]) => Parameters<Layer>[0], layer: Layer): Layer =>
  (x, scope) =>
    body(layer(x, scope));

const body = { hidden: dense(8), act: relu() };
const image = { conv: conv2d(6, { kernelSize: 3 }), act: relu() };

test.each<[what: string, network: Layer, shape: number[], head: [string, string | null, number]]>([
  ['a dense layer', sequential({ ...body, out: dense(10) }), [4], ['out.weight', 'out.bias', 10]],
  ['one without bias', sequential({ ...body, out: dense(10, { bias: false }) }), [4], ['out.weight', null, 10]],
  ['one of a single value', sequential({ ...body, out: dense(1) }), [4], ['out.weight', 'out.bias', 1]],
  [
    'one before a softmax',
    within((x) => ops.softmax(x), sequential({ ...body, out: dense(10) })),
    [4],
    ['out.weight', 'out.bias', 10],
  ],
  [
    'a convolution before activation, mean and a reshape to numbers',
    within(
      (x) => ops.reshape(ops.mean(ops.relu(x), [2, 3], { keepDims: true }), [x.shape[0]!, 10]),
      sequential({ ...image, out: conv2d(10, { kernelSize: 1 }) }),
    ),
    [3, 6, 6],
    ['out.weight', 'out.bias', 10],
  ],
  [
    'a weight [in, out] and a bias that are transposed',
    (x, scope) => {
      const y = ops.matmul(
        ops.transpose(
          scope.parameter('w', [4, 10], () => new Float32Array(40)),
          [1, 0],
        ),
        ops.transpose(x, [1, 0]),
      );
      return ops.transpose(
        ops.add(
          y,
          ops.reshape(
            scope.parameter('b', [10], () => new Float32Array(10)),
            [10, 1],
          ),
        ),
        [1, 0],
      );
    },
    [4],
    ['w', 'b', 10],
  ],
])('%s is a head, and is replaced under its names', async (_, network, shape, [weight, bias, outputs]) => {
  const model = of(network, shape);
  expect(headOf(model)).toEqual({ weight, bias, outputs });
  const fresh = newHead(model, 3);
  expect(headOf(fresh)).toEqual({ weight, bias, outputs: 3 });
  const options = { backend: await createBackend({}), objective: classification(), optimizer: sgd() };
  const before = await (await createTrainer({ ...options, model })).values();
  const trainer = await createTrainer({ ...options, model: fresh });
  const after = await trainer.values();
  expect([...after.keys()]).toEqual([...before.keys()]);
  const changed = [...before].filter(([path, { data }]) => data.length !== after.get(path)!.data.length);
  expect(changed.map(([path]) => path)).toEqual([weight, ...(bias ? [bias] : [])]);
  expect(new Set(after.get(weight)!.data).size).toBeGreaterThan(8);
  const features = Float32Array.from({ length: 2 * sizeOf(shape) }, (_, i) => Math.sin(i));
  await trainer.step({ features, labels: Int32Array.of(0, 2) }, { learningRate: 0.1 });
  expect((await trainer.predict(features)).length).toBe(2 * 3);
});

test.each<[why: string, network: Layer, message: string]>([
  [
    'a normalization of the classes',
    within((x) => ops.sub(x, ops.max(x, [1], { keepDims: true })), sequential({ ...body, out: dense(3) })),
    'comes from several values, by sub',
  ],
  [
    'a scale of each class',
    (x, scope) =>
      ops.mul(
        dense(3)(x, scope),
        scope.parameter('scale', [3], () => new Float32Array(3)),
      ),
    'a mul with a value for each class',
  ],
  [
    'a weight that is used again',
    (x, scope) => {
      const w = scope.parameter('w', [4, 4], () => new Float32Array(16));
      return ops.matmul(ops.matmul(x, w), w);
    },
    "'w' is used in other places",
  ],
  [
    'an image',
    sequential({ out: conv2d(3, { kernelSize: 1 }) }),
    'its output is [2, 3, 6, 6] instead of [batch, classes]',
  ],
  ['no product', flatten(), 'does not'],
])('%s is told in words', (_, network, message) => {
  const shape = message.includes('6, 6') ? [3, 6, 6] : [4];
  expect(() => headOf(newHead(of(network, shape), 5))).toThrow(message);
});
