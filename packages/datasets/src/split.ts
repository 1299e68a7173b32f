// A data set in two parts, by chance.

import { BnError, createGenerator, type Dataset, permutation } from '@bn/core';
import { subset } from './subset.js';

/**
 * Sets a random `fraction` (0 < fraction < 1, rounded to whole examples) of the data set apart for validation; the
 * rest, also shuffled, is for training. Where labels are classes, each gives its share of both (the labels are read for
 * that), and a class of one example stays in training; not so without `byClass`. The same seed gives the same parts on every machine. Nothing is copied.
 *
 * @throws BnError `argument` when either part would be empty.
 */
export function split(
  dataset: Dataset,
  fraction: number,
  seed: number,
  { byClass = true }: { readonly byClass?: boolean | undefined } = {},
): { train: Dataset; validation: Dataset } {
  const count = Math.round(dataset.length * fraction);
  if (!(count >= 1 && count < dataset.length)) {
    throw new BnError(
      'argument',
      `a fraction of ${fraction} of ${dataset.length} examples leaves one part empty; give a fraction between 0 and 1 that takes at least one example and leaves one`,
    );
  }
  const order = [...permutation(dataset.length, createGenerator(seed))];
  const chosen = new Set(!byClass || dataset.labels?.dtype === 'float32' ? [] : stratified(dataset, order, count));
  // Without classes, or if almost each has but one example, chance alone decides.
  for (let i = 0; chosen.size < count; i++) chosen.add(order[i]!);
  const [train, validation] = [false, true].map((isChosen) => order.filter((i) => chosen.has(i) === isChosen));
  return { train: subset(dataset, train!), validation: subset(dataset, validation!) };
}

/** Examples of each class in proportion, `count` unless too few classes have several; shares are rounded by largest remainder, equal ones by chance. */
function stratified(dataset: Dataset, order: readonly number[], count: number): number[] {
  const classes = new Map<unknown, number[]>();
  for (const i of order) {
    const { label } = dataset.get(i);
    const members = classes.get(label);
    if (members) members.push(i);
    else classes.set(label, [i]);
  }
  const shares = [...classes.values()].map((members) => {
    const share = members.length === 1 ? 0 : (members.length * count) / dataset.length;
    return { members, taken: Math.floor(share), rest: share % 1 };
  });
  let left = count - shares.reduce((sum, { taken }) => sum + taken, 0);
  shares.sort((a, b) => b.rest - a.rest);
  for (let i = 0; left > 0 && i < count * shares.length; i++) {
    const share = shares[i % shares.length]!;
    if (share.taken >= share.members.length - 1) continue;
    share.taken++;
    left--;
  }
  return shares.flatMap(({ members, taken }) => members.slice(0, taken));
}
