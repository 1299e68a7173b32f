// Calls that change the same values, one after the other.

import { BnError } from '../errors.js';

export class Turns {
  /** Ends when what runs now has ended. */
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** Runs `body` when all that was asked for before has ended. */
  take<T>(body: () => Promise<T>): Promise<T> {
    this.#pending++;
    const result = this.#last.then(body).finally(() => this.#pending--);
    this.#last = result.catch(() => {});
    return result;
  }

  /** @throws `argument` while something runs, which would overwrite values that are set meanwhile */
  requireIdle(method: string): void {
    if (this.#pending === 0) return;
    throw new BnError('argument', `${method}: a step or another call is still running; await it first`);
  }
}
