import { batchNorm, defineModel, input, trace } from '@bn/core';
import { expect, test } from 'vitest';
import { batchNormFromScratch, lenet } from '../src/index.js';

const parameters = (network: ReturnType<typeof lenet>, shape = [1, 28, 28]) => {
  const model = defineModel(network, { input: { shape: [null, ...shape], dtype: 'float32' } });
  const traced = trace(model, input('features', [2, ...shape]), { training: true });
  return {
    output: traced.output.shape,
    paths: [...traced.parameters].map(([path, { shape }]) => [path, shape.join('×')].join(' ')),
  };
};

test('lenet has the textbook’s layers and sizes', () => {
  expect(parameters(lenet())).toEqual({
    output: [2, 10],
    paths: [
      'conv1.weight 6×1×5×5',
      'conv1.bias 6',
      'conv2.weight 16×6×5×5',
      'conv2.bias 16',
      'dense1.weight 120×256',
      'dense1.bias 120',
      'dense2.weight 84×120',
      'dense2.bias 84',
      'dense3.weight 10×84',
      'dense3.bias 10',
    ],
  });
});

test('with normalization it has gamma and beta after each hidden layer, under equal names for layer and scratch', () => {
  const names = (network: ReturnType<typeof lenet>) => parameters(network).paths.map((line) => line.split(' ')[0]);
  const layer = names(lenet({ normalization: () => batchNorm() }));
  expect(layer.filter((name) => name!.startsWith('bn'))).toHaveLength(8);
  expect(names(lenet({ normalization: () => batchNormFromScratch() }))).toEqual(layer);
});

test('takes other images and class counts, and says which are too small', () => {
  expect(parameters(lenet({ classes: 3 }), [3, 32, 32]).output).toEqual([2, 3]);
  expect(() => parameters(lenet(), [1, 12, 12])).toThrow(/conv2 \(conv2d\): a window of 5 does not fit into 4 rows/);
});
