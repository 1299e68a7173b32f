// The protocol's names for element types, and how their elements are written in JSON.

import type { DType, TypedArray } from '@bn/core';

interface Datatype {
  readonly name: string;
  /** Of an element in binary data. */
  readonly bytes: number;
  /** Completes "expected …" in messages about elements. */
  readonly expects: string;
  accepts(element: unknown): element is number | boolean;
}

const highestFloat32 = 3.4028234663852886e38;

export const datatypes: Readonly<Record<DType, Datatype>> = {
  float32: {
    name: 'FP32',
    bytes: 4,
    expects: 'finite numbers of float32',
    accepts: (x): x is number => typeof x === 'number' && x >= -highestFloat32 && x <= highestFloat32,
  },
  int32: {
    name: 'INT32',
    bytes: 4,
    expects: 'whole numbers of 32 bits',
    accepts: (x): x is number => typeof x === 'number' && (x | 0) === x,
  },
  uint8: {
    name: 'UINT8',
    bytes: 1,
    expects: 'whole numbers from 0 to 255',
    accepts: (x): x is number => typeof x === 'number' && (x & 255) === x,
  },
  bool: {
    name: 'BOOL',
    bytes: 1,
    expects: 'true and false',
    accepts: (x): x is boolean => typeof x === 'boolean',
  },
};

/** What JSON has for each element. */
export function elementsOf(data: TypedArray, dtype: DType): (number | boolean)[] {
  return dtype === 'bool' ? Array.from(data, (x) => x === 1) : Array.from(data);
}
