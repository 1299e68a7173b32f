// A model's predictions for a data set.

import { setImmediate } from 'node:timers/promises';
import { BnError, createArray, type Dataset, formatShape, sameShape, sizeOf } from '@bn/core';
import type { DataInput } from '../model/image-input.js';
import type { InferenceModel } from '../model/open-model.js';

const batchSize = 256;

/** The least a probability counts as in the loss: the smallest number above 0 of its type, float32. */
const leastProbability = 2 ** -149;

export interface Predictions {
  /** The class predicted for each example: the most probable, of equal ones the lowest. */
  readonly predicted: Int32Array;
  /** Mean of -log(probability of the true class). */
  readonly loss: number;
}

/** @throws BnError `data` if the data is of another shape than the model takes */
export function requireShape({ features: { shape, dtype } }: Dataset, input: DataInput): void {
  if (sameShape(shape, input.shape) && dtype === 'uint8') return;
  throw new BnError(
    'data',
    `the data is ${dtype} ${formatShape(shape)}, but the model takes ${formatShape(input.shape)}; give data of that shape`,
  );
}

/**
 * @param dataset of the shape that the input asks for
 * @param labels the class of each example, among the model's
 * @returns null if the signal ended it
 */
export async function evaluateModel(
  model: InferenceModel,
  dataset: Dataset,
  labels: Int32Array,
  { input, signal }: { readonly input: DataInput; readonly signal: AbortSignal },
): Promise<Predictions | null> {
  const predicted = new Int32Array(dataset.length);
  let loss = 0;
  for (let start = 0; start < dataset.length; start += batchSize) {
    // Lets signals in: a backend that computes in JavaScript never waits for anything.
    await setImmediate();
    if (signal.aborted) return null;
    const count = Math.min(batchSize, dataset.length - start);
    const probabilities = await model.classify(input.features(pixelsOf(dataset, start, count)));
    const classes = probabilities.length / count;
    for (let i = 0; i < count; i++) {
      const row = probabilities.subarray(i * classes, (i + 1) * classes);
      predicted[start + i] = row.reduce((best, value, index) => (value > row[best]! ? index : best), 0);
      loss -= Math.log(Math.max(row[labels[start + i]!]!, leastProbability));
    }
  }
  return { predicted, loss: loss / dataset.length };
}

/** The examples from `start` on, one after another. */
function pixelsOf(dataset: Dataset, start: number, count: number): Uint8Array {
  const size = sizeOf(dataset.features.shape);
  const pixels = createArray('uint8', count * size) as Uint8Array;
  for (let i = 0; i < count; i++) pixels.set(dataset.get(start + i).features, i * size);
  return pixels;
}
