// Long work on the thread that answers everybody, in slices.

import { setImmediate as othersDone } from 'node:timers/promises';

/** Work that yields now and then, and returns its result. */
export type Steps<T> = Generator<void, T, void>;

/** Bytes between two yields. */
export const stride = 2 ** 15;

/** Milliseconds after which others get their turn. */
const slice = 4;

/** Does the work; what is short is done at once, also without a promise. */
export function inSlices<T>(steps: Steps<T>): T | Promise<T> {
  const { done, value } = steps.next();
  return done ? value : inTurns(steps);
}

async function inTurns<T>(steps: Steps<T>): Promise<T> {
  let start = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - start < slice) continue;
    await othersDone();
    start = performance.now();
  }
}
