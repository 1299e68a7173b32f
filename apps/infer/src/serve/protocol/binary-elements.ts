// Tensors as bytes.

import { formatShape, sizeOf, type TypedArray } from '@bn/core';
import { HttpError } from '../http-error.js';
import { datatypeOf, datatypes } from './datatypes.js';
import type { Elements } from './elements.js';
import { type Steps, stride } from './slices.js';
import { type TensorKind, TensorWriter } from './tensor-writer.js';

/** @param bytes little-endian and row-major; of BYTES, each element behind its length in four bytes */
export function binaryElements(bytes: Uint8Array): Elements {
  return { tensor: (kind) => readTensor(bytes, kind), items: (count) => readItems(bytes, count) };
}

function* readTensor(bytes: Uint8Array, kind: TensorKind): Steps<TypedArray> {
  const { bytes: each, read } = datatypes.get(kind.datatype)!;
  const size = each * sizeOf(kind.shape);
  if (bytes.length !== size) {
    const expected = `${size} bytes for ${kind.datatype} ${formatShape(kind.shape)}`;
    throw new HttpError(400, `binary data: expected ${expected}, got ${bytes.length}`);
  }
  if (isNative(kind)) return read(new Uint8Array(bytes).buffer) as TypedArray;
  const writer = new TensorWriter('binary data', kind, bytes.length / each);
  for (let at = 0; at < bytes.length; at += stride) {
    // A copy: elements of several bytes have to be aligned.
    const values = read(new Uint8Array(bytes.subarray(at, at + stride)).buffer);
    for (let i = 0; i < values.length; i++) writer.push(values[i]!);
    if (at + stride < bytes.length) yield;
  }
  return writer.done();
}

/** Whether the bytes are the tensor's own, so that there is nothing to convert or to refuse. */
function isNative({ datatype, dtype }: TensorKind): boolean {
  return datatypeOf[dtype] === datatype && dtype !== 'bool' && dtype !== 'float32';
}

// biome-ignore lint/correctness/useYield: there are few items, and none is copied
function* readItems(bytes: Uint8Array, count: number): Steps<readonly Uint8Array[]> {
  const items: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at < bytes.length && items.length <= count) {
    const from = at + 4;
    const length = from <= bytes.length ? view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    at = from + length;
    if (at > bytes.length) {
      throw new HttpError(400, `binary data: element ${items.length} of BYTES ends behind the ${bytes.length} bytes`);
    }
    items.push(bytes.subarray(from, at));
  }
  requireCount('binary data', items.length, count);
  return items;
}

export function requireCount(site: string, got: number, expected: number): void {
  if (got === expected) return;
  throw new HttpError(400, `${site}: expected ${expected} elements of BYTES, got ${got > expected ? 'more' : got}`);
}

/** The bytes of a tensor, little-endian and row-major. */
export function bytesOf({ buffer, byteOffset, byteLength }: TypedArray): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
