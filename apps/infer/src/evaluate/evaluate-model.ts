// A model's answers for a data set.

import { setImmediate } from 'node:timers/promises';
import { BnError, createArray, type Dataset, formatShape, sameShape, sizeOf } from '@bn/core';
import { flawOf } from '../classify/flaw.js';
import type { DataInput } from '../model/image-input.js';
import type { OpenedModel } from '../model/open-model.js';

const batchSize = 256;

/** @throws BnError `data` if the data is of another shape than the model takes */
export function requireShape({ features: { shape, dtype } }: Dataset, input: DataInput): void {
  if (sameShape(shape, input.shape) && dtype === 'uint8') return;
  const problem = `the data is ${dtype} ${formatShape(shape)}, but the model takes ${formatShape(input.shape)}`;
  throw new BnError('data', `${problem}; give data of that shape`);
}

/**
 * @param dataset of the shape that the input asks for
 * @returns what the model gives for each example, one after another; null if the signal ended it
 * @throws BnError `not-finite` for an answer that is none, naming the example
 */
export async function answersFor(
  model: Pick<OpenedModel, 'answer' | 'signature'>,
  dataset: Dataset,
  { input, signal }: { readonly input: DataInput; readonly signal: AbortSignal },
): Promise<Float32Array | null> {
  const { output } = model.signature;
  const answers = new Float32Array(dataset.length * output.size);
  for (let start = 0; start < dataset.length; start += batchSize) {
    // Lets signals in: a backend that computes in JavaScript never waits for anything.
    await setImmediate();
    if (signal.aborted) return null;
    const count = Math.min(batchSize, dataset.length - start);
    const rows = await model.answer(input.features(pixelsOf(dataset, start, count)));
    for (let i = 0; i < count; i++) {
      const flaw = flawOf(rows.subarray(i * output.size, (i + 1) * output.size), output);
      if (flaw !== null) throw new BnError('not-finite', `example ${start + i}: ${flaw}`);
    }
    answers.set(rows, start * output.size);
  }
  return answers;
}

/** The examples from `start` on, one after another. */
function pixelsOf(dataset: Dataset, start: number, count: number): Uint8Array {
  const size = sizeOf(dataset.features.shape);
  const pixels = createArray('uint8', count * size) as Uint8Array;
  for (let i = 0; i < count; i++) pixels.set(dataset.get(start + i).features, i * size);
  return pixels;
}
