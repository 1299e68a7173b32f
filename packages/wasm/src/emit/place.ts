// Where buffers are in memory, as emitted code finds them.

import type { Buffer } from '../ir/nest.js';

export type Place =
  /** At an address known at compilation. */
  | { readonly at: 'fixed'; readonly address: number }
  /** At an offset from the memory of the thread that computes; without room for other groups than the present one. */
  | { readonly at: 'thread'; readonly address: number }
  /** At an address that a run leaves at `entry`. */
  | { readonly at: 'argument'; readonly entry: number };

export type Places = (buffer: Buffer) => Place;
