// Batch normalization layers compared with PyTorch.

import {
  type BatchNormConvention,
  batchNorm,
  createGenerator,
  createGraph,
  defineModel,
  formatShape,
  type Graph,
  gradients,
  input,
  type Tensor,
  trace,
} from '@bn/core';
import { type GoldenBatchNorm, goldenOf } from './data.js';
import { expectClose } from './expect-close.js';
import { type HostValues, hostValue } from './host-value.js';
import type { Suite } from './suite.js';

/**
 * Float32 tolerances of single arrays, where the table's row for golden values does not do. In "large mean, small
 * spread" the inputs themselves are rounded; in "batch of two" dx is almost zero, the difference of equal terms.
 */
const float32Exceptions: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'large mean, small spread': { y: 1e-2, dx: 1e-2, dgamma: 1e-2, batchVariance: 1e-3 },
  'batch of two': { dx: 1e-3 },
};

export function testBatchNorm(suite: Suite): void {
  for (const golden of goldenOf<GoldenBatchNorm>('batch-norm')) {
    const compare = (
      what: string,
      graphOf: () => Graph,
      expected: Readonly<Record<string, readonly number[] | undefined>>,
    ) =>
      suite.graphTest(`batchNorm: ${golden.name}, ${what}`, graphOf, async (graph) => {
        const outputs = await suite.run(graph, inputsOf(golden));
        for (const [name, value] of Object.entries(outputs)) {
          const exception = suite.precision === 32 ? float32Exceptions[golden.name]?.[name] : undefined;
          const tolerance = exception ?? suite.tolerance('golden');
          expectClose(value, hostValue(expected[name]!, value.shape), tolerance);
        }
      });

    const { yTraining: y, dx, dgamma, dbeta, runningMeanAfter: runningMean } = golden;
    const trained = { y, dx, dgamma, dbeta, runningMean };
    compare('training', () => trainingGraph(golden, 'd2l'), {
      ...trained,
      runningVariance: golden.runningVarAfterPopulation,
    });
    compare("training with PyTorch's convention", () => trainingGraph(golden, 'torch'), {
      ...trained,
      runningVariance: golden.runningVarAfterUnbiased,
    });
    compare('statistics of the batch', () => statisticsGraph(golden), {
      batchMean: golden.batchMean,
      batchVariance: golden.batchVarPopulation,
    });
    compare('inference', () => inferenceGraph(golden), { y: golden.yInference });
  }
  for (const shape of [
    [1, 6, 3, 3],
    [250, 6],
    [16, 6, 28, 28],
  ])
    testConstantChannels(suite, shape);
  for (const shape of [
    [32, 2, 14, 14],
    [16, 3, 28, 28],
    [256, 3],
    [2, 2, 40, 40],
  ]) {
    for (const mean of [0, 1e2, 1e4]) testFarMean(suite, shape, mean);
  }
}

/** One value in a whole channel: y is beta and the gradient of gamma 0, in whatever order a backend sums. */
function testConstantChannels(suite: Suite, shape: readonly number[]): void {
  const values = [0.1, 1 / 3, 1000.1, 12345.67, -8.123457e9, 1e30].map(Math.fround);
  const beta = [0.3, -2, 0, 1e-3, 7, -0.1].map(Math.fround);
  suite.graphTest(
    `batchNorm: constant channels of ${formatShape(shape)}`,
    () => pick(trainingGraph({ shape, affine: true, epsilon: 1e-5, momentumWeighsNew: 0.1 }, 'd2l'), ['y', 'dgamma']),
    async (graph) => {
      const spread = (perChannel: readonly number[]) =>
        hostValue(
          alongChannels(shape, (c) => perChannel[c]!),
          shape,
        );
      const { y, dgamma } = await suite.run(graph, {
        ...{ x: spread(values), dy: spread([1, 2, 3, 4, 5, 6]) },
        ...{ gamma: hostValue([3, -1, 0.7, 1, 100, 1], [6]), beta: hostValue(beta, [6]) },
      });
      expectClose(y, spread(beta), 0);
      expectClose(dgamma, hostValue(new Array(6).fill(0), [6]), 0);
    },
  );
}

/** A mean of up to ten thousand deviations, which float32 holds few digits of beside them. */
function testFarMean(suite: Suite, shape: readonly number[], mean: number): void {
  suite.graphTest(
    `batchNorm: ${formatShape(shape)} around ${mean}`,
    () => pick(trainingGraph({ shape, affine: true, epsilon: 1e-5, momentumWeighsNew: 0.1 }, 'd2l'), ['y']),
    async (graph) => {
      const random = createGenerator(1);
      const uniform = () => Math.fround(mean + (random.uniform() * 2 - 1) * Math.sqrt(3));
      const all = (value: number) => hostValue(new Array(shape[1]).fill(value), [shape[1]]);
      const inputs = { x: hostValue(alongChannels(shape, uniform), shape), gamma: all(1), beta: all(0) };
      const [expected, actual] = [await suite.runOracle(graph, inputs), await suite.run(graph, inputs)];
      expectClose(actual.y, expected.y, suite.tolerance('normalization'));
    },
  );
}

/** Values of a tensor with channels on axis 1, in order. */
function alongChannels([batch, channels, ...rest]: readonly number[], value: (channel: number) => number): number[] {
  const inner = rest.reduce((a, b) => a * b, 1);
  return Array.from({ length: batch * channels * inner }, (_, i) => value(Math.floor(i / inner) % channels));
}

function pick(graph: Graph, names: readonly string[]): Graph {
  return createGraph(new Map(names.map((name) => [name, graph.outputs.get(name)!])));
}

function inputsOf(golden: GoldenBatchNorm): HostValues {
  const channels = [golden.runningMeanBefore.length];
  const rounded = (values: readonly number[], shape: readonly number[]) => hostValue(values.map(Math.fround), shape);
  return {
    x: rounded(golden.x, golden.shape),
    dy: rounded(golden.dy, golden.shape),
    gamma: rounded(golden.gamma ?? [], channels),
    beta: rounded(golden.beta ?? [], channels),
    runningMean: rounded(golden.runningMeanBefore, channels),
    runningVariance: rounded(golden.runningVarBefore, channels),
  };
}

type Setting = Pick<GoldenBatchNorm, 'shape' | 'affine' | 'epsilon' | 'momentumWeighsNew'>;

function traced(golden: Setting, convention: BatchNormConvention, momentum: number, training: boolean) {
  const { affine, epsilon, shape } = golden;
  const layer = batchNorm({ convention, momentum, epsilon, scale: affine, center: affine });
  const model = defineModel(layer, { input: { shape: [null, ...shape.slice(1)], dtype: 'float32' } });
  const x = input('x', shape);
  return { x, ...trace(model, x, { training }) };
}

function trainingGraph(golden: Setting, convention: 'd2l' | 'torch'): Graph {
  const momentum = convention === 'torch' ? golden.momentumWeighsNew : 1 - golden.momentumWeighsNew;
  const { x, output, parameters, updates } = traced(golden, convention, momentum, true);
  const variables: [string, Tensor][] = [...parameters].map(([path, { tensor }]) => [path, tensor]);
  const slopes = gradients(output, [x, ...variables.map(([, tensor]) => tensor)], input('dy', golden.shape));
  const named = variables.map(([path], i): [string, Tensor] => [`d${path}`, slopes[i + 1]]);
  return createGraph(new Map([['y', output], ['dx', slopes[0]], ...named, ...updates]));
}

/** With momentum 0 the running statistics become those of the batch. */
function statisticsGraph(golden: GoldenBatchNorm): Graph {
  const { updates } = traced(golden, 'd2l', 0, true);
  return createGraph({ batchMean: updates.get('runningMean')!, batchVariance: updates.get('runningVariance')! });
}

function inferenceGraph(golden: GoldenBatchNorm): Graph {
  return createGraph({ y: traced(golden, 'd2l', 0.9, false).output });
}
