// Tensors as bytes.

import { type DType, formatShape, type TypedArray } from '@bn/core';
import { HttpError } from '../http-error.js';
import { datatypes } from './datatypes.js';

/**
 * @param bytes little-endian and row-major; the tensor may share their memory
 * @throws HttpError 400 for another number of bytes, floats that are not finite, and booleans other than 0 and 1
 */
export function tensorFromBytes(bytes: Uint8Array, shape: readonly number[], dtype: DType): TypedArray {
  const size = shape.reduce((product, n) => product * n, 1);
  const { name, bytes: each, expects } = datatypes[dtype];
  if (bytes.length !== size * each) {
    const expected = `${size * each} bytes for ${name} ${formatShape(shape)}`;
    throw new HttpError(400, `binary data: expected ${expected}, got ${bytes.length}`);
  }
  const tensor = viewOf(bytes, dtype);
  const wrong =
    dtype === 'float32' ? (x: number) => !Number.isFinite(x) : dtype === 'bool' ? (x: number) => x > 1 : null;
  const at = wrong ? tensor.findIndex(wrong) : -1;
  if (at < 0) return tensor;
  throw new HttpError(400, `binary data: expected ${expects}, got ${tensor[at]} at element ${at}`);
}

// Node runs on little-endian machines only, but for one (s390x), where the other native packages do not exist.
function viewOf(bytes: Uint8Array, dtype: DType): TypedArray {
  if (datatypes[dtype].bytes === 1) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  // A copy: elements of four bytes have to be aligned.
  const { buffer } = new Uint8Array(bytes);
  return dtype === 'float32' ? new Float32Array(buffer) : new Int32Array(buffer);
}

/** The bytes of a tensor, little-endian and row-major. */
export function bytesOf({ buffer, byteOffset, byteLength }: TypedArray): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
