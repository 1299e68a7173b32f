import { expect, test } from 'vitest';
import { gradients, input, meanSquaredError, ops, sigmoidCrossEntropy, softmaxCrossEntropy } from '../src/index.js';
import { evaluate, gradientError, numbers } from './evaluate.js';

const logits = input('logits', [2, 3]);
const labels = input('labels', [2], 'int32');
const data = { logits: [1, 2, -1, 0.5, -0.5, 3], labels: [1, 2] };

// torch.nn.functional.cross_entropy of PyTorch 2.15 in float64.
test.each([
  [0, 0.22771316052407103],
  [0.1, 0.3943798271907377],
])(
  'softmaxCrossEntropy with label smoothing %f has PyTorch’s value and the right gradient',
  async (labelSmoothing, expected) => {
    const loss = softmaxCrossEntropy({ labelSmoothing })(logits, labels);
    expect((await evaluate({ loss }, data)).loss[0]).toBeCloseTo(expected, 10);
    expect(await gradientError(loss, { logits: gradients(loss, [logits])[0]! }, data)).toBeLessThan(1e-7);
  },
);

test('softmaxCrossEntropy does not overflow for large logits', async () => {
  const loss = softmaxCrossEntropy()(logits, labels);
  const { value } = await evaluate({ value: loss }, { ...data, logits: [1e4, 0, 0, 0, 0, 1e4] });
  expect(value[0]).toBeCloseTo(5000, 6);
});

test.each([3, -1])('softmaxCrossEntropy of a label that is no class is no number, and not 0: %i', async (label) => {
  const loss = softmaxCrossEntropy({ labelSmoothing: 0.1 })(logits, labels);
  expect((await evaluate({ loss }, { ...data, labels: [1, label] })).loss[0]).toBeNaN();
});

test('meanSquaredError is the mean over all values, and takes [batch] for [batch, 1]', async () => {
  const prediction = input('p', [3, 1]);
  const loss = meanSquaredError()(prediction, input('t', [3]));
  const inputs = { p: [1, 2, 3], t: [0, 2, 5] };
  expect((await evaluate({ loss }, inputs)).loss[0]).toBeCloseTo(5 / 3, 12);
  expect(
    await gradientError(loss, { p: gradients(loss, [prediction])[0]! }, { ...inputs, p: numbers(3) }),
  ).toBeLessThan(1e-7);
});

test('losses refuse shapes that broadcasting would accept', () => {
  expect(() => meanSquaredError()(input('p', [3, 2]), input('t', [3]))).toThrow(/of the prediction's shape/);
  expect(() => softmaxCrossEntropy()(logits, input('l', [2]))).toThrow(/labels int32 \[batch\]/);
  expect(() => softmaxCrossEntropy({ labelSmoothing: 1 })).toThrow(/labelSmoothing/);
});

test('losses refuse what is a softmax or a sigmoid already', () => {
  expect(() => softmaxCrossEntropy()(ops.softmax(logits), labels)).toThrow(
    'softmaxCrossEntropy: the network gives the softmax of its logits, which the loss takes itself; leave it out',
  );
  expect(() => sigmoidCrossEntropy()(ops.sigmoid(logits), input('t', [2, 3]))).toThrow(/the sigmoid of its logits/);
});
