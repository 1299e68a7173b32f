// Five training steps of LeNet with batch normalization, compared with PyTorch; and steps of a small one that are computed in parts.

import {
  avgPool2d,
  type Backend,
  batchNorm,
  classification,
  conv2d,
  createGraph,
  createTrainer,
  defineModel,
  dense,
  flatten,
  type Graph,
  gradients,
  type HostTensor,
  input,
  sequential,
  sgd,
  sigmoid,
  sizeOf,
  type TrainerOptions,
  toTorch,
  trace,
  trainingStepGraph,
  type Value,
} from '@bn/core';
import { expect } from 'vitest';
import { type Digest, fashionMnistBatch, goldenSteps } from './data.js';
import { expectClose } from './expect-close.js';
import { type HostValue, type HostValues, hostValue } from './host-value.js';
import { download, upload } from './run-graph.js';
import { type Suite, slow } from './suite.js';

const batchSize = 256;
const features = { shape: [batchSize, 1, 28, 28], dtype: 'uint8' } as const;
const labels = { shape: [batchSize], dtype: 'int32' } as const;
const objective = classification();

const model = defineModel(
  sequential({
    conv1: conv2d(6, { kernelSize: 5 }),
    bn1: batchNorm(),
    sigmoid1: sigmoid(),
    pool1: avgPool2d(2),
    conv2: conv2d(16, { kernelSize: 5 }),
    bn2: batchNorm(),
    sigmoid2: sigmoid(),
    pool2: avgPool2d(2),
    flatten: flatten(),
    dense1: dense(120),
    bn3: batchNorm(),
    sigmoid3: sigmoid(),
    dense2: dense(84),
    bn4: batchNorm(),
    sigmoid4: sigmoid(),
    dense3: dense(10),
  }),
  { input: { shape: [null, 1, 28, 28], dtype: 'float32' } },
);

export function testTrainingSteps(suite: Suite): void {
  suite.graphTest('lenet: gradients of the first step', gradientGraph, (graph) => testGradients(suite, graph), slow);
  const stepGraph = () => trainingStepGraph(model, objective, sgd(), { features, labels });
  suite.graphTest('lenet: five steps', stepGraph, (graph) => testFiveSteps(suite, graph), slow);
  const smallStep = () => trainingStepGraph(small, objective, sgd(), smallSpec);
  suite.graphTest('lenet: parts of a batch with its statistics', smallStep, () => testInParts(suite, true));
  suite.graphTest('lenet: parts of a batch with statistics of their own', smallStep, () => testInParts(suite, false));
}

async function testGradients(suite: Suite, graph: Graph): Promise<void> {
  const batch = fashionMnistBatch(0, batchSize);
  const slopes = await suite.run(graph, { ...initialValues(), features: batch.images, labels: batch.labels });
  expectDigests(suite, slopes, goldenSteps().firstStepGradients);
}

async function testFiveSteps(suite: Suite, graph: Graph): Promise<void> {
  const { results, values } = await train(suite, graph);
  const golden = goldenSteps();
  expect(results).toHaveLength(golden.steps.length);
  expectSteps(suite, results);
  expectDigests(suite, values, golden.parametersAfter);
  expectDigests(suite, values, golden.stateAfter);

  const { images } = fashionMnistBatch(0, 8);
  const prediction = createGraph({ logits: trace(model, input('features', images.shape, 'uint8')).output });
  const { logits } = await suite.run(prediction, { ...values, features: images });
  expectClose(logits, hostValue(golden.evalLogitsOfFirst8, [8, 10]), suite.tolerance('trajectory'));
}

const examples = 11;
const smallSpec = {
  features: { shape: [examples, 1, 10, 10], dtype: 'float32' },
  labels: { shape: [examples], dtype: 'int32' },
} as const;
const small = defineModel(
  sequential({
    conv: conv2d(3, { kernelSize: 3 }),
    bn1: batchNorm(),
    sigmoid1: sigmoid(),
    pool: avgPool2d(2),
    flatten: flatten(),
    dense1: dense(8),
    bn2: batchNorm(),
    sigmoid2: sigmoid(),
    dense2: dense(3),
  }),
  { input: { shape: [null, 1, 10, 10], dtype: 'float32' } },
);

/** Each batch in parts of 3, 4 and 4 examples. The oracle computes whole batches, where parts have the statistics of those. */
async function testInParts(suite: Suite, syncBatchNorm: boolean): Promise<void> {
  const inParts = { microBatch: 4, syncBatchNorm };
  const actual = await trainSmall(suite.backend, inParts);
  const expected = await trainSmall(suite.oracle, syncBatchNorm ? {} : inParts);
  // A trainer gives its values in float32.
  const allowed = Math.max(suite.tolerance('trajectory'), 2 ** -23);
  actual.forEach((value, i) => {
    expectClose(value, expected[i], allowed);
  });
}

/** Losses of two steps, and all values after them. */
async function trainSmall(backend: Backend, division: Partial<TrainerOptions>): Promise<HostValue[]> {
  const trainer = await createTrainer({ model: small, objective, optimizer: sgd(), backend, ...division });
  const labelsOfAll = Int32Array.from({ length: examples }, (_, i) => i % 3);
  const losses: number[] = [];
  for (const phase of [0, 1]) {
    // Later examples are larger, so that parts have statistics of their own.
    const images = Float32Array.from(
      { length: examples * 100 },
      (_, i) => (1 + i / 300) * Math.sin(0.7 * i * i + phase),
    );
    const { loss } = await trainer.step({ features: images, labels: labelsOfAll }, { learningRate: 0.5 });
    losses.push(loss);
  }
  const values = await trainer.values();
  await trainer.dispose();
  return [hostValue(losses, [2]), ...[...values.values()].map(({ data, shape }) => hostValue(Array.from(data), shape))];
}

interface Result {
  readonly loss: number;
  readonly correct: number;
}

/** What PyTorch has in these steps. */
function expectSteps(suite: Suite, results: readonly Result[]): void {
  results.forEach(({ loss, correct }, i) => {
    const step = goldenSteps().steps[i];
    const allowed = suite.tolerance('trajectory') * step.loss;
    expect(Math.abs(loss - step.loss), `loss of step ${i + 1}`).toBeLessThan(allowed);
    // In float32 one prediction is so near a tie (7e-6 between two logits of step 5) that rounding may tip it.
    const off = Math.abs(correct - step.correct);
    expect(off, `correct predictions of step ${i + 1}`).toBeLessThanOrEqual(suite.precision === 64 ? 0 : 1);
  });
}

function gradientGraph(): Graph {
  const traced = trace(model, input('features', features.shape, features.dtype), { training: true });
  const lossValue = objective.loss(traced.output, input('labels', labels.shape, labels.dtype));
  const parameters = [...traced.parameters];
  const slopes = gradients(
    lossValue,
    parameters.map(([, { tensor }]) => tensor),
  );
  return createGraph(new Map(parameters.map(([path], i) => [path, slopes[i]])));
}

/**
 * Weight of convolution or dense layer k: √(6 / (fanIn + fanOut)) · sin(0.7 i + k), rounded to float32; biases and beta
 * 0, gamma 1.
 */
function initialValues(): HostValues {
  const { parameters, states } = trace(model, input('features', features.shape, features.dtype), { training: true });
  let layer = 0;
  const values: [string, HostValue][] = [...parameters, ...states].map(([path, { shape }]) => {
    const size = sizeOf(shape);
    if (!path.endsWith('.weight')) {
      const one = path.endsWith('.gamma') || path.endsWith('.runningVariance');
      return [path, hostValue(new Float64Array(size).fill(one ? 1 : 0), shape)];
    }
    const window = sizeOf(shape.slice(2));
    const scale = Math.sqrt(6 / ((shape[0] + shape[1]) * window));
    const k = layer++;
    const weights = Float64Array.from({ length: size }, (_, i) => Math.fround(scale * Math.sin(0.7 * i + k)));
    return [path, hostValue(weights, shape)];
  });
  return Object.fromEntries(values);
}

/** Runs the five steps; values stay on the backend between them. */
async function train(suite: Suite, graph: Graph) {
  const { backend, precision } = suite;
  const executable = await backend.compile(graph);
  const held = new Map<string, Value>();
  const hold = (name: string, value: Value) => {
    const before = held.get(name);
    if (before) backend.release(before);
    held.set(name, value);
  };
  for (const [name, value] of Object.entries(initialValues())) hold(name, upload(backend, value, precision));
  hold('learningRate', upload(backend, hostValue([0.5], [])));
  const results: Result[] = [];
  for (let step = 0; step < 5; step++) {
    const batch = fashionMnistBatch(step * batchSize, batchSize);
    hold('features', upload(backend, batch.images));
    hold('labels', upload(backend, batch.labels));
    const inputs = [...graph.inputs.keys()].map((name): [string, Value] => [name, held.get(name)!]);
    for (const [name, value] of await executable.run(new Map(inputs))) hold(name, value);
    results.push({
      loss: (await backend.download(held.get('loss')!))[0],
      correct: (await backend.download(held.get('sum:accuracy')!))[0],
    });
  }
  const values: Record<string, HostValue> = {};
  for (const [name, value] of held) {
    values[name] = await download(backend, value);
    backend.release(value);
  }
  await executable.dispose();
  return { results, values };
}

/** Digests are by the names of PyTorch's nn.Sequential. */
function expectDigests(suite: Suite, values: HostValues, digests: Readonly<Record<string, Digest>>): void {
  const named = toTorch(model, new Map(Object.entries(values)) as ReadonlyMap<string, HostTensor>, 'sequential');
  for (const [path, digest] of Object.entries(digests)) {
    const data = Array.from(named.get(path)!.data);
    expect(data.length, path).toBe(digest.size);
    if (digest.absSum < 1e-9) {
      // The biases before batch normalization: their gradients are zero but for rounding, so they do not move.
      expect(Math.max(...data.map(Math.abs)), path).toBeLessThan(suite.tolerance('zero'));
      continue;
    }
    const allowed = suite.tolerance('digest') * digest.absSum;
    const sum = data.reduce((a, v) => a + v, 0);
    const weightedSum = data.reduce((a, v, i) => a + v * Math.cos(i), 0);
    expect(Math.abs(sum - digest.sum), `sum of ${path}`).toBeLessThan(allowed);
    expect(Math.abs(weightedSum - digest.weightedSum), `weighted sum of ${path}`).toBeLessThan(allowed);
    const largest = data.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    digest.first.forEach((v, i) => {
      expect(Math.abs(data[i] - v), `element ${i} of ${path}`).toBeLessThan(suite.tolerance('digest') * largest);
    });
  }
}
