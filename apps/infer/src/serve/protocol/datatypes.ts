// The protocol's element types, and which of their values a model's own type takes.

import type { DType } from '@bn/core';

export interface Datatype {
  /** Of an element in binary data. */
  readonly bytes: number;
  /** Completes "expected …" in messages about elements. */
  readonly expects: string;
  readonly json: 'number' | 'boolean';
  holds(value: number): boolean;
  /** The elements of little-endian bytes. */
  read(memory: ArrayBuffer): ArrayLike<number>;
}

const highestFloat32 = 3.4028234663852886e38;

function float(bytes: number, most: number, read: Datatype['read']): Datatype {
  const expects = `finite numbers of float${8 * bytes}`;
  return { bytes, expects, json: 'number', holds: (x) => x >= -most && x <= most, read };
}

/** Of 64 bits, those that JavaScript's numbers hold exactly. */
function whole(bytes: number, isSigned: boolean, read: Datatype['read']): Datatype {
  const most = bytes === 8 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * bytes - Number(isSigned)) - 1;
  const least = !isSigned ? 0 : bytes === 8 ? -most : -most - 1;
  const holds = (x: number) => Number.isInteger(x) && x >= least && x <= most;
  return { bytes, expects: `whole numbers from ${least} to ${most}`, json: 'number', holds, read };
}

/** A table of all numbers of 16 bits: Node has no such array before version 24. */
let halves: Float32Array | null = null;

function halfOf(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  const magnitude = exponent < 31 ? size : fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  return bits & 0x8000 ? -magnitude : magnitude;
}

// Node runs on little-endian machines only, but for one (s390x), where the other native packages do not exist.
export const datatypes: ReadonlyMap<string, Datatype> = new Map([
  [
    'BOOL',
    {
      ...{ bytes: 1, expects: 'true and false', json: 'boolean', holds: (x) => x === 0 || x === 1 },
      read: (memory) => new Uint8Array(memory),
    },
  ],
  ['UINT8', whole(1, false, (memory) => new Uint8Array(memory))],
  ['UINT16', whole(2, false, (memory) => new Uint16Array(memory))],
  ['UINT32', whole(4, false, (memory) => new Uint32Array(memory))],
  ['UINT64', whole(8, false, (memory) => Float64Array.from(new BigUint64Array(memory), Number))],
  ['INT8', whole(1, true, (memory) => new Int8Array(memory))],
  ['INT16', whole(2, true, (memory) => new Int16Array(memory))],
  ['INT32', whole(4, true, (memory) => new Int32Array(memory))],
  ['INT64', whole(8, true, (memory) => Float64Array.from(new BigInt64Array(memory), Number))],
  [
    'FP16',
    float(2, 65_504, (memory) => {
      halves ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => halfOf(bits));
      return Float32Array.from(new Uint16Array(memory), (bits) => halves![bits]!);
    }),
  ],
  ['FP32', float(4, highestFloat32, (memory) => new Float32Array(memory))],
  ['FP64', float(8, Number.MAX_VALUE, (memory) => new Float64Array(memory))],
]);

/** What the protocol calls a model's types. */
export const datatypeOf: Readonly<Record<DType, string>> = {
  ...{ float32: 'FP32', int32: 'INT32', uint8: 'UINT8', bool: 'BOOL' },
};

/** Whether the model's type takes a value: exactly, but for floating-point numbers, which are rounded to float32. */
export function takes(dtype: DType, datatype: string): (value: number) => boolean {
  if (dtype !== 'float32') return datatypes.get(datatypeOf[dtype])!.holds;
  return datatype.startsWith('FP') ? (x) => Math.abs(x) <= highestFloat32 : (x) => Math.fround(x) === x;
}
