import { describe, expect, test } from 'vitest';
import {
  avgPool2d,
  batchNorm,
  conv2d,
  defineLayer,
  defineModel,
  dense,
  dropout,
  flatten,
  gelu,
  globalAveragePool2d,
  gradients,
  heNormal,
  input,
  type Layer,
  maxPool2d,
  ops,
  relu,
  residual,
  sequential,
  sigmoid,
  softmax,
  tanh,
  trace,
} from '../src/index.js';
import { evaluate, gradientError, inputSizes, numbers } from './evaluate.js';

const image = [3, 2, 6, 5];
const matrix = [4, 3];

function traced(layer: Layer, shape: readonly number[], training = true) {
  const x = input('features', shape);
  const model = defineModel(layer, { input: { shape: [null, ...shape.slice(1)], dtype: 'float32' } });
  return { x, ...trace(model, x, { training }) };
}

// The sum of y² with different weights: a plain sum would be blind to much of a normalizing layer.
describe('the gradient of each layer agrees with finite differences in float64, for input and parameters', () => {
  test.each<[string, Layer, readonly number[]]>([
    ['conv2d', conv2d(3, { kernelSize: 3 }), image],
    [
      'conv2d, strided, padded unevenly, dilated',
      conv2d(2, { kernelSize: [2, 3], stride: 2, padding: [1, 0, 2, 1], dilation: [2, 1] }),
      image,
    ],
    ['conv2d, grouped, same, no bias', conv2d(4, { kernelSize: 3, groups: 2, padding: 'same', bias: false }), image],
    ['dense', dense(2), matrix],
    ['dense without bias', dense(2, { bias: false }), matrix],
    ['batchNorm of features', batchNorm(), matrix],
    ['batchNorm of images', batchNorm(), image],
    ['batchNorm on the last axis', batchNorm({ axis: -1 }), image],
    ['batchNorm without gamma', batchNorm({ scale: false }), image],
    ['batchNorm without beta', batchNorm({ center: false }), image],
    ['batchNorm, frozen', batchNorm({ frozen: true }), image],
    ['batchNorm without running statistics', batchNorm({ trackRunningStatistics: false }), image],
    ['avgPool2d', avgPool2d(2), image],
    ['avgPool2d, overlapping, padded', avgPool2d(3, { stride: 2, padding: 1 }), image],
    ['avgPool2d, padding not counted', avgPool2d(3, { stride: 2, padding: 1, countIncludesPadding: false }), image],
    ['maxPool2d', maxPool2d(2), image],
    ['maxPool2d, overlapping, padded', maxPool2d(3, { stride: 2, padding: 1 }), image],
    ['globalAveragePool2d', globalAveragePool2d(), image],
    ['flatten', flatten(), image],
    ['sigmoid', sigmoid(), matrix],
    ['relu', relu(), matrix],
    ['tanh', tanh(), matrix],
    ['gelu', gelu(), matrix],
    ['softmax', softmax(), matrix],
    ['dropout', dropout(0.4), matrix],
    ['residual', residual(sequential({ a: conv2d(2, { kernelSize: 3, padding: 1 }), n: batchNorm() })), image],
    ['residual with a shortcut', residual(dense(2), dense(2)), matrix],
  ])('%s', async (_, layer, shape) => {
    const { x, output, parameters } = traced(layer, shape);
    const size = output.shape.reduce<number>((a, n) => a * n!, 1);
    const weights = ops.reshape(input('weights', [size]), output.shape);
    const loss = ops.sum(ops.mul(ops.mul(output, output), weights));
    const tensors = [x, ...[...parameters.values()].map(({ tensor }) => tensor)];
    const slopes = gradients(loss, tensors);
    const byName = Object.fromEntries(
      tensors
        .map((tensor, i) => [tensor.attributes as { name: string }, slopes[i]!] as const)
        .map(([{ name }, g]) => [name, g]),
    );
    const inputs = Object.fromEntries(
      [...inputSizes(loss)].map(([name, n], i) => {
        const positive = name.startsWith('random') || name.endsWith('Variance');
        return [name, numbers(n, i + 1).map((v) => (positive ? Math.abs(v) : v))];
      }),
    );
    expect(await gradientError(loss, byName, inputs)).toBeLessThan(2e-6);
  });
});

describe('layers', () => {
  test('give parameters paths and shapes that checkpoints and exports use', () => {
    const net = sequential({
      conv1: conv2d(6, { kernelSize: 5 }),
      bn1: batchNorm(),
      block: residual(sequential({ conv: conv2d(6, { kernelSize: 1, bias: false }) })),
      flatten: flatten(),
      dense1: dense(10),
    });
    const { parameters, states, updates } = traced(net, [2, 1, 8, 8]);
    expect([...parameters].map(([path, { shape }]) => [path, shape])).toEqual([
      ['conv1.weight', [6, 1, 5, 5]],
      ['conv1.bias', [6]],
      ['bn1.gamma', [6]],
      ['bn1.beta', [6]],
      ['block.body.conv.weight', [6, 6, 1, 1]],
      ['dense1.weight', [10, 96]],
      ['dense1.bias', [10]],
    ]);
    expect([...states.keys()]).toEqual(['bn1.runningMean', 'bn1.runningVariance']);
    expect([...updates.keys()]).toEqual([...states.keys()]);
  });

  test('name the layer, the shapes met and what was expected in errors', () => {
    const net = sequential({
      conv1: conv2d(4, { kernelSize: 3 }),
      block: sequential({ conv2: conv2d(4, { kernelSize: 9 }) }),
    });
    expect(() => traced(net, [1, 1, 8, 8])).toThrow(/^block\.conv2 \(conv2d\): a window of 9 does not fit into 6 rows/);
    expect(() => traced(sequential({ out: dense(3) }), [1, 1, 8, 8])).toThrow(
      /^out \(dense\): expected \[batch, features\], got \[1, 1, 8, 8\]; put flatten/,
    );
    expect(() => traced(residual(dense(5)), matrix)).toThrow(/the body gives \[4, 5\], the shortcut \[4, 3\]/);
  });

  test('refuse names that JavaScript would reorder, doubled names and names of the step itself', () => {
    expect(() => sequential({ 0: relu() })).toThrow(/cannot name a layer/);
    const twice: Layer = (x, scope) => dense(2)(dense(2)(x, scope), scope);
    expect(() => traced(twice, matrix)).toThrow(/two values named 'weight'/);
    const reserved: Layer = (x, scope) =>
      ops.mul(
        x,
        scope.parameter('loss', [], () => Float32Array.of(1)),
      );
    expect(() => traced(reserved, matrix)).toThrow(/'loss'/);
  });

  describe('used twice under one path', () => {
    const twice =
      (layer: Layer, other = layer): Layer =>
      (x, scope) =>
        other(layer(x, scope.child('a')), scope.child('a'));

    test('share parameters, and gradients add up: y = x·wᵀ·wᵀ', async () => {
      const { x, output, parameters } = traced(twice(dense(2, { bias: false })), [1, 2]);
      expect([...parameters.keys()]).toEqual(['a.weight']);
      const [slope] = gradients(output, [parameters.get('a.weight')!.tensor]) as [typeof x];
      const values = await evaluate({ y: output, slope }, { features: [1, 2], 'a.weight': [1, 2, 3, 4] });
      // h = x·wᵀ = [5, 11]; Σ y = Σ w·h, so its gradient is Σᵢ h + wᵀ·1 ⊗ x.
      expect(values.y).toEqual([27, 59]);
      expect(values.slope).toEqual([5 + 4, 11 + 8, 5 + 6, 11 + 12]);
    });

    test('move running statistics one use after the other', async () => {
      const { updates } = traced(twice(batchNorm({ momentum: 0.5, epsilon: 1 })), [2, 1]);
      const inputs = {
        features: [0, 2],
        'a.gamma': [1],
        'a.beta': [3],
        'a.runningMean': [8],
        'a.runningVariance': [8],
      };
      const values = await evaluate({ mean: updates.get('a.runningMean')! }, inputs);
      // Batch means 1, then beta = 3: (8 + 1) / 2 = 4.5, (4.5 + 3) / 2 = 3.75.
      expect(values.mean).toEqual([expect.closeTo(3.75, 12)]);
    });

    test('share also within blocks, and in layers of one’s own', () => {
      const own: Layer = (x, scope) => ops.mul(x, scope.parameter('gain', [3], heNormal()));
      const block = sequential({ own, bn: batchNorm(), more: residual(dense(3)) });
      const { parameters } = traced(twice(block), matrix);
      const names = ['own.gain', 'bn.gamma', 'bn.beta', 'more.body.weight', 'more.body.bias'];
      expect([...parameters.keys()]).toEqual(names.map((name) => `a.${name}`));
      expect([...traced(twice(defineLayer(own)), matrix).parameters.keys()]).toEqual(['a.gain']);
    });

    test('need channels that fit; and two layers, or one value declared twice, remain an error', () => {
      expect(() => traced(twice(dense(2)), matrix)).toThrow(
        /'a.weight' is \[2, 3\] .* \[2, 2\] here; a layer that is used/,
      );
      expect(() => traced(twice(dense(3), dense(3)), matrix)).toThrow(/two values named 'a.weight'/);
      const own = defineLayer((x, scope) => {
        const gain = () => scope.parameter('gain', [3], heNormal());
        return ops.mul(ops.mul(x, gain()), gain());
      });
      expect(() => traced(own, matrix)).toThrow(/two values named 'gain'/);
    });

    test('are two layers under two paths', () => {
      const shared = dense(3);
      expect(traced(sequential({ a: shared, b: shared }), matrix).parameters.size).toBe(4);
    });
  });

  test('same padding puts an odd rest at the bottom and right', () => {
    const { output } = traced(conv2d(1, { kernelSize: 4, stride: 2, padding: 'same' }), [1, 1, 7, 8]);
    expect(output.shape).toEqual([1, 1, 4, 4]);
    expect(output.inputs[0]!.attributes).toMatchObject({ padding: [1, 1, 2, 1] });
  });

  test('dropout keeps the expectation in training and does nothing in prediction', async () => {
    const { output } = traced(dropout(0.25), [2, 2]);
    const { y } = await evaluate({ y: output }, { features: [1, 2, 3, 4], 'random.0': [0.1, 0.74, 0.76, 0.9] });
    expect(y).toEqual([1 / 0.75, 2 / 0.75, 0, 0].map((v) => expect.closeTo(v, 12)));
    expect(traced(dropout(0.25), [2, 2], false).output.op).toBe('input');
    expect(() => dropout(1)).toThrow(/rate must be/);
  });

  test('keep a symbolic batch in prediction, so that one export serves every batch size', () => {
    const net = sequential({
      conv: conv2d(2, { kernelSize: 3 }),
      bn: batchNorm(),
      pool: avgPool2d(2),
      flat: flatten(),
      out: dense(3),
    });
    const model = defineModel(net, { input: { shape: [null, 1, 6, 6], dtype: 'float32' } });
    expect(trace(model, input('features', [null, 1, 6, 6])).output.shape).toEqual([null, 3]);
    expect(() => trace(model, input('features', [null, 1, 6, 6]), { training: true })).toThrow(
      /bn .* depends on the batch/,
    );
  });
});

test('uint8 features are scaled to 0..1 in the graph', async () => {
  const model = defineModel((x) => x, { input: { shape: [null, 2], dtype: 'float32' } });
  const { output } = trace(model, input('features', [1, 2], 'uint8'));
  expect((await evaluate({ y: output }, { features: [0, 255] })).y).toEqual([0, 1]);
  expect(() => trace(model, input('features', [1, 3]))).toThrow(
    /the model takes float32 \[batch, 2\], but the data is float32 \[1, 3\]/,
  );
});

test('He normal has the deviation √(2 / fanIn) and Xavier uniform its bounds', async () => {
  const { createGenerator, xavierUniform } = await import('../src/index.js');
  const random = createGenerator(1);
  const he = heNormal()([50, 20, 5, 5], random);
  const deviation = Math.sqrt(he.reduce((sum, v) => sum + v * v, 0) / he.length);
  expect(deviation / Math.sqrt(2 / 500)).toBeCloseTo(1, 1);
  const xavier = xavierUniform()([120, 256], random);
  const limit = Math.sqrt(6 / 376);
  expect(Math.max(...xavier)).toBeLessThanOrEqual(limit);
  expect(Math.max(...xavier)).toBeGreaterThan(0.99 * limit);
  expect(Math.min(...xavier)).toBeLessThan(-0.99 * limit);
});
