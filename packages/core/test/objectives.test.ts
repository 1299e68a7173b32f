// Objectives, losses, metrics and measures: against PyTorch, scikit-learn and hand-made examples.

import { expect, test } from 'vitest';
import {
  absoluteError,
  accuracy,
  classification,
  countConfusion,
  gradients,
  huber,
  input,
  labelAccuracy,
  measure,
  measureLabels,
  measureValues,
  multiLabel,
  regression,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
  topAccuracy,
} from '../src/index.js';
import { evaluate, gradientError } from './evaluate.js';

const logits = input('logits', [3, 3]);
const labels = input('labels', [3], 'int32');
const scores = [1, 2, -1, 0.5, -0.5, 3, 0.25, 0.5, 0.125];

test.each([
  [0, 0.5439615460537425],
  [0.1, 0.6532864472860789],
])(
  'softmaxCrossEntropy with class weights and smoothing %f has PyTorch’s value and the right gradient',
  async (labelSmoothing, expected) => {
    const loss = softmaxCrossEntropy({ labelSmoothing, classWeights: [1, 2, 0.5] })(logits, labels);
    const data = { logits: scores, labels: [1, 2, 0] };
    expect((await evaluate({ loss }, data)).loss[0]).toBeCloseTo(expected, 10);
    expect(await gradientError(loss, { logits: gradients(loss, [logits])[0]! }, data)).toBeLessThan(1e-7);
  },
);

test('sigmoidCrossEntropy has PyTorch’s value and gradient, and does not overflow', async () => {
  const targets = input('targets', [3, 3]);
  const loss = sigmoidCrossEntropy()(logits, targets);
  const data = { logits: scores, targets: [1, 0, 0, 1, 1, 0, 0, 1, 0.25] };
  expect((await evaluate({ loss }, data)).loss[0]).toBeCloseTo(1.0307286828210547, 10);
  expect(await gradientError(loss, { logits: gradients(loss, [logits])[0]! }, data)).toBeLessThan(1e-7);
  const large = { ...data, logits: [1e4, -1e4, 0, 1e4, 0, -1e4, -1e4, 1e4, 0] };
  expect((await evaluate({ loss }, large)).loss[0]).toBeCloseTo(0.23104906018664842, 10);
});

test('huber has PyTorch’s value and gradient on either side of delta', async () => {
  const [values, targets] = [input('values', [4, 1]), input('targets', [4, 1])];
  const loss = huber({ delta: 0.5 })(values, targets);
  const data = { values: [0, 1, 2, 5], targets: [0.25, 3, 2, 1] };
  expect((await evaluate({ loss }, data)).loss[0]).toBeCloseTo(0.6953125, 10);
  expect(await gradientError(loss, { values: gradients(loss, [values])[0]! }, data)).toBeLessThan(1e-7);
  expect(() => huber({ delta: 0 })).toThrow(/delta must be above 0/);
});

test('metrics are sums over the examples', async () => {
  const targets = input('targets', [3, 3]);
  const metrics = {
    top1: accuracy()(logits, labels),
    top2: topAccuracy(2)(logits, labels),
    ofLabels: labelAccuracy()(logits, targets),
    error: absoluteError()(logits, targets),
  };
  const data = { logits: scores, labels: [0, 2, 0], targets: [1, 1, 0, 0, 0, 0, 0, 0, 0] };
  const got = await evaluate(metrics, data);
  expect([got.top1[0], got.top2[0]]).toEqual([1, 3]);
  expect(got.ofLabels[0]).toBeCloseTo(1 + 1 / 3, 6);
  expect(got.error[0]).toBeCloseTo((2 + 4 + 0.875) / 3, 6);
});

test('objectives say what an output means', async () => {
  const answers = await evaluate(
    {
      class: classification().answer(logits),
      labels: multiLabel().answer(logits),
      scores: multiLabel().gives.of(logits),
      probabilities: classification().gives.of(logits),
    },
    { logits: scores },
  );
  expect([...answers.class]).toEqual([1, 2, 1]);
  expect([...answers.labels]).toEqual([1, 1, 0, 1, 0, 1, 1, 1, 1]);
  expect(answers.scores[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
  expect(answers.probabilities[0]).toBeCloseTo(Math.E / (Math.E + Math.E ** 2 + 1 / Math.E), 6);
  expect(regression().answer(logits)).toBe(logits);
});

test.each([
  [classification(), [3, 3], { shape: [], dtype: 'int32' }, null],
  [classification(), [3, 3, 3], { shape: [], dtype: 'int32' }, /dense\(classes\)/],
  [classification(), [3, 3], { shape: [3], dtype: 'float32' }, /one class index per example/],
  [multiLabel(), [3, 3], { shape: [3], dtype: 'float32' }, null],
  [multiLabel(), [3, 3], { shape: [], dtype: 'int32' }, /float32 labels/],
  [regression(), [3, 3], { shape: [2], dtype: 'float32' }, /dense\(2\)/],
  [regression(), [3, 1], { shape: [], dtype: 'float32' }, null],
] as const)('an objective refuses a network that cannot learn its labels (%#)', (objective, shape, labels, message) => {
  const check = () => objective.requireFits({ shape, dtype: 'float32' }, labels);
  if (message) expect(check).toThrow(message);
  else check();
});

test('precision, recall and F1 of labels are scikit-learn’s', () => {
  const targets = [1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1];
  const answers = [1, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1];
  const { accuracy, classes, mean } = measureLabels(targets, answers, 3);
  expect(accuracy).toBeCloseTo(9 / 12, 12);
  expect(classes.map(({ support }) => support)).toEqual([2, 2, 3]);
  expect(mean.f1).toBeCloseTo(0.7555555555555555, 12);
  expect(mean.precision).toBeCloseTo(0.8888888888888888, 12);
  expect(mean.recall).toBeCloseTo(0.7222222222222222, 12);
});

test('a confusion matrix has the actual class first', () => {
  const confusion = countConfusion([0, 0, 1], [0, 1, 1], 2);
  expect(confusion).toEqual([
    [1, 1],
    [0, 1],
  ]);
  expect(measure(confusion).accuracy).toBeCloseTo(2 / 3, 12);
});

test('R² is scikit-learn’s, column by column', () => {
  const targets = [3, 1, -0.5, 1, 2, 1, 7, 1];
  const values = [2.5, 1, 0, 1, 2, 1, 8, 1];
  const [first, constant] = measureValues(targets, values, 2).map(({ rSquared }) => rSquared);
  expect(first).toBeCloseTo(0.9486081370449679, 12);
  expect(constant).toBe(1);
  expect(measureValues([1, 1], [1, 2], 1)).toEqual([{ absoluteError: 0.5, squaredError: 0.5, rSquared: 0 }]);
});
