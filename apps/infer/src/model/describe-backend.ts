// What computes, in words.

import type { Backend } from '@bn/core';

/** `onnxruntime-cuda on cpu (2 threads)`. */
export function describeBackend({ name, engine, device }: Backend): string {
  const reason = device.reason === undefined ? '' : `; ${device.reason}`;
  return `${name}${engine === undefined ? '' : ` (${engine})`} on ${device.description}${reason}`;
}
