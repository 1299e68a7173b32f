// Which examples an epoch takes, and in what order.

import { BnError } from '../errors.js';
import { createGenerator, type Generator, permutation, streams } from '../random.js';

/** The indices of an epoch's examples, as many as the data set has; an index may be there several times, or not at all. */
export type Sampling = (length: number, random: Generator) => Int32Array;

/** Each example once, shuffled. */
const shuffled: Sampling = permutation;

/** The order in which `fit` takes the examples in an epoch, counted from 0. */
export function epochOrder(length: number, seed: number, epoch: number, sampling: Sampling = shuffled): Int32Array {
  return sampling(length, createGenerator(seed, streams.shuffle, epoch));
}

/**
 * Each class that occurs as often as the others: of large classes another part in each epoch, small ones several times.
 *
 * @param labels the class of each example
 */
export function balancedSampling(labels: ArrayLike<number>): Sampling {
  const byClass = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const members = byClass.get(labels[i]!);
    if (members) members.push(i);
    else byClass.set(labels[i]!, [i]);
  }
  return (length, random) => {
    if (length !== labels.length) {
      const problem = `balancedSampling: there are ${labels.length} labels for ${length} examples`;
      throw new BnError('argument', `${problem}; give those of the training data`);
    }
    // In random order, as what is left after equal parts goes to the first.
    const classes = [...byClass.values()];
    const chosen: number[] = [];
    for (const [place, k] of permutation(classes.length, random).entries()) {
      const members = classes[k]!;
      const count = Math.floor((length + classes.length - 1 - place) / classes.length);
      for (let taken = 0; taken < count; ) {
        const order = permutation(members.length, random).subarray(0, count - taken);
        for (const i of order) chosen.push(members[i]!);
        taken += order.length;
      }
    }
    return Int32Array.from(permutation(length, random), (i) => chosen[i]!);
  };
}

/** Weights for `classWeights`: each class counts as much as the others in all, and an example 1 on average; 1 for classes without any. */
export function balancedWeights(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]!]!++;
  const occurring = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count === 0 ? 1 : labels.length / (occurring * count)));
}
