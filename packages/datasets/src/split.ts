// A data set in two parts, by chance.

import { BnError, createGenerator, type Dataset, permutation } from '@bn/core';
import { subset } from './subset.js';

/**
 * Sets a random `fraction` (0 < fraction < 1, rounded to whole examples) of the data set apart for validation; the
 * rest, also shuffled, is for training. The same seed gives the same parts on every machine. Nothing is copied.
 *
 * @throws BnError `argument` when either part would be empty.
 */
export function split(dataset: Dataset, fraction: number, seed: number): { train: Dataset; validation: Dataset } {
  const count = Math.round(dataset.length * fraction);
  if (!(count >= 1 && count < dataset.length)) {
    throw new BnError(
      'argument',
      `a fraction of ${fraction} of ${dataset.length} examples leaves one part empty; give a fraction between 0 and 1 that takes at least one example and leaves one`,
    );
  }
  const order = permutation(dataset.length, createGenerator(seed));
  return { train: subset(dataset, order.subarray(count)), validation: subset(dataset, order.subarray(0, count)) };
}
