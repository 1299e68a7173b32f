// What computes, in words.

import type { OpenedBackend } from '@bn/command-line';

/** `wasm on cpu (2 threads); no CUDA: there is no driver`. */
export function describeBackend({ backend, reason }: Pick<OpenedBackend, 'backend' | 'reason'>): string {
  const { name, engine, device } = backend;
  const why = reason === undefined ? '' : `; ${reason}`;
  return `${name}${engine === undefined ? '' : ` (${engine})`} on ${device.description}${why}`;
}
