// IDX files from the network, as browsers load them.

import { BnError } from '@bn/core';
import { decodeIdx, type IdxBytes, type IdxOptions } from './decode-idx.js';
import type { MemoryDataset } from './memory-dataset.js';

/** Text, or a URL. */
type Address = string | { readonly href: string };

/**
 * Fetches a data set's IDX files, plain or gzipped: told by their content, since servers unpack some themselves.
 *
 * @throws BnError `file` when a file cannot be had; `data` as `decodeIdx`, and when gzip data is damaged.
 */
export async function fetchIdx(
  addresses: { readonly images: Address; readonly labels: Address },
  options?: IdxOptions,
): Promise<MemoryDataset> {
  const [images, labels] = await Promise.all([fetchBytes(addresses.images), fetchBytes(addresses.labels)]);
  return decodeIdx({ images, labels }, options);
}

async function fetchBytes(address: Address): Promise<IdxBytes> {
  const name = typeof address === 'string' ? address : address.href;
  const response = await fetch(name).catch((cause: unknown) => {
    throw new BnError('file', `${name} cannot be fetched (${(cause as Error).message}); check the address`, { cause });
  });
  if (!response.ok) {
    throw new BnError('file', `${name} cannot be fetched: status ${response.status}; give the address of an IDX file`);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return { name, bytes };
  try {
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return { name, bytes: new Uint8Array(await new Response(unpacked).arrayBuffer()) };
  } catch (cause) {
    throw new BnError('data', `${name}: the gzip data is damaged or cut off; download or copy it again`, { cause });
  }
}
