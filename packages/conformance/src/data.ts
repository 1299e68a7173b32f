// The files of the package's data folder.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type HostValue, hostValue } from './host-value.js';

/** One layer and one batch; see the package's data/README.md. */
export interface GoldenBatchNorm {
  readonly name: string;
  readonly shape: readonly number[];
  readonly epsilon: number;
  /** PyTorch's momentum: the weight of the new value. */
  readonly momentumWeighsNew: number;
  /** Whether there are gamma and beta. */
  readonly affine: boolean;
  readonly x: readonly number[];
  readonly dy: readonly number[];
  readonly gamma?: readonly number[];
  readonly beta?: readonly number[];
  readonly runningMeanBefore: readonly number[];
  readonly runningVarBefore: readonly number[];
  readonly batchMean: readonly number[];
  readonly batchVarPopulation: readonly number[];
  readonly yTraining: readonly number[];
  readonly dx: readonly number[];
  readonly dgamma?: readonly number[];
  readonly dbeta?: readonly number[];
  readonly yInference: readonly number[];
  readonly runningMeanAfter: readonly number[];
  readonly runningVarAfterUnbiased: readonly number[];
  readonly runningVarAfterPopulation: readonly number[];
}

/** What is left of an array v: sums over v, |v| and v[i]·cos(i), and the first values. */
export interface Digest {
  readonly size: number;
  readonly sum: number;
  readonly absSum: number;
  readonly weightedSum: number;
  readonly first: readonly number[];
}

/** Five steps of stochastic gradient descent; digests by the names of PyTorch's nn.Sequential. */
export interface GoldenSteps {
  readonly steps: readonly { readonly loss: number; readonly correct: number }[];
  readonly firstStepGradients: Readonly<Record<string, Digest>>;
  readonly parametersAfter: Readonly<Record<string, Digest>>;
  readonly stateAfter: Readonly<Record<string, Digest>>;
  readonly evalLogitsOfFirst8: readonly number[];
}

/** The cases in a file. */
export function goldenOf<Case>(name: 'batch-norm' | 'convolution' | 'pooling'): readonly Case[] {
  return (JSON.parse(read(`${name}.json`).toString()) as { cases: Case[] }).cases;
}

export function goldenSteps(): GoldenSteps {
  return JSON.parse(read('lenet-steps.json').toString()) as GoldenSteps;
}

/** `count` training images of Fashion-MNIST from the given one on, and their labels; there are 1,280. */
export function fashionMnistBatch(start: number, count: number): { images: HostValue; labels: HostValue } {
  // IDX files: a header of 16 and of 8 bytes, then the values.
  const images = gunzipSync(read('fashion-mnist-1280-images-idx3-ubyte.gz')).subarray(16);
  const labels = gunzipSync(read('fashion-mnist-1280-labels-idx1-ubyte.gz')).subarray(8);
  const size = 28 * 28;
  return {
    images: hostValue(images.subarray(start * size, (start + count) * size), [count, 1, 28, 28], 'uint8'),
    labels: hostValue(labels.subarray(start, start + count), [count], 'int32'),
  };
}

function read(name: string): Buffer {
  return readFileSync(new URL(`../data/${name}`, import.meta.url));
}
