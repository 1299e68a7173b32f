// What all requests together may take, so that many of them do not fill the memory.

import { HttpError } from '../http-error.js';

/** What one holder has taken. */
export interface Share {
  /** @throws HttpError 503 if others have taken too much */
  take(bytes: number): void;
  release(): void;
}

/** What all requests share, by HTTP and by gRPC. */
export interface Budgets {
  /** Bytes of requests that arrive, or are answered. */
  readonly bodies: Budget;
  /** Bytes that decoding images takes. */
  readonly decoding: Budget;
}

/** Bytes that all bodies together may have, unless a single one may have more. */
const leastBodies = 2 ** 27;

/** @param maxBody bytes of a single request */
export function createBudgets(maxBody: number): Budgets {
  return { bodies: new Budget(Math.max(leastBodies, 1.5 * maxBody)), decoding: new Budget(2 ** 30) };
}

/** Bytes of those who have taken little. */
const little = 2 ** 20;

export class Budget {
  readonly #total: number;
  #used = 0;

  constructor(total: number) {
    this.#total = total;
  }

  share(): Share {
    let own = 0;
    return {
      take: (bytes) => {
        // Large ones do not keep the small ones out.
        const limit = own + bytes > little ? (this.#total * 3) / 4 : this.#total;
        if (this.#used + bytes > limit) {
          // The rest of the request is not read: its connection cannot be used for another one.
          const headers = { 'retry-after': '1', connection: 'close' };
          throw new HttpError(503, 'the server has too much to do; try again later', headers);
        }
        this.#used += bytes;
        own += bytes;
      },
      release: () => {
        this.#used -= own;
        own = 0;
      },
    };
  }
}
