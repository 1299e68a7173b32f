// Batch normalization layers compared with PyTorch.

import {
  type BatchNormConvention,
  batchNorm,
  createGraph,
  defineModel,
  type Graph,
  gradients,
  input,
  type Tensor,
  trace,
} from '@bn/core';
import { type GoldenBatchNorm, goldenBatchNorms } from './data.js';
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
  for (const golden of goldenBatchNorms()) {
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

    compare('training', () => trainingGraph(golden, 'd2l'), {
      y: golden.yTraining,
      dx: golden.dx,
      dgamma: golden.dgamma,
      dbeta: golden.dbeta,
      runningMean: golden.runningMeanAfter,
      runningVariance: golden.runningVarAfterPopulation,
    });
    compare("training with PyTorch's convention", () => trainingGraph(golden, 'torch'), {
      y: golden.yTraining,
      dx: golden.dx,
      dgamma: golden.dgamma,
      dbeta: golden.dbeta,
      runningMean: golden.runningMeanAfter,
      runningVariance: golden.runningVarAfterUnbiased,
    });
    compare('statistics of the batch', () => statisticsGraph(golden), {
      batchMean: golden.batchMean,
      batchVariance: golden.batchVarPopulation,
    });
    compare('inference', () => inferenceGraph(golden), { y: golden.yInference });
  }
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

function traced(golden: GoldenBatchNorm, convention: BatchNormConvention, momentum: number, training: boolean) {
  const { affine, epsilon, shape } = golden;
  const layer = batchNorm({ convention, momentum, epsilon, scale: affine, center: affine });
  const model = defineModel(layer, { input: { shape: [null, ...shape.slice(1)], dtype: 'float32' } });
  const x = input('x', shape);
  return { x, ...trace(model, x, { training }) };
}

function trainingGraph(golden: GoldenBatchNorm, convention: 'd2l' | 'torch'): Graph {
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
