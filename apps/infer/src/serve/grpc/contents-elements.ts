// A tensor as InferTensorContents: elements in a field that the datatype names.

import type { TypedArray } from '@bn/core';
import { HttpError } from '../http-error.js';
import { requireCount } from '../protocol/binary-elements.js';
import type { Elements } from '../protocol/elements.js';
import type { Steps } from '../protocol/slices.js';
import { type TensorKind, TensorWriter } from '../protocol/tensor-writer.js';
import { WireReader, wireTypes } from './wire-reader.js';

interface ContentsField {
  readonly name: string;
  readonly number: number;
  /** Of an element that stands alone. */
  readonly type: number;
  read(reader: WireReader): number;
}

const field = (name: string, number: number, type: number, read: ContentsField['read']): ContentsField => ({
  ...{ name, number, type, read },
});
const { varint, fixed32, fixed64 } = wireTypes;
const ints = field('int_contents', 2, varint, (reader) => reader.varint(true));
const uints = field('uint_contents', 4, varint, (reader) => reader.varint());

const fields: Readonly<Record<string, ContentsField>> = {
  BOOL: field('bool_contents', 1, varint, (reader) => reader.varint()),
  ...{ INT8: ints, INT16: ints, INT32: ints, UINT8: uints, UINT16: uints, UINT32: uints },
  INT64: field('int64_contents', 3, varint, (reader) => reader.varint(true)),
  UINT64: field('uint64_contents', 5, varint, (reader) => reader.varint()),
  FP32: field('fp32_contents', 6, fixed32, (reader) => reader.float()),
  FP64: field('fp64_contents', 7, fixed64, (reader) => reader.double()),
};
const bytesContents = 8;

/** Elements and fields between two yields. */
const stride = 2 ** 12;

export function contentsElements(bytes: Buffer): Elements {
  return { tensor: (kind) => readTensor(bytes, kind), items: (count) => readItems(bytes, count) };
}

function* readTensor(bytes: Buffer, kind: TensorKind): Steps<TypedArray> {
  const writer = new TensorWriter('contents', kind, bytes.length);
  const field = fields[kind.datatype];
  if (!field) return writer.refuse(`there is no field for ${kind.datatype}; give it as raw_input_contents`);
  const reader = new WireReader(bytes);
  for (let i = 1; !reader.isAtEnd; i++) {
    const { number, type } = reader.field();
    if (number !== field.number || (type !== wireTypes.bytes && type !== field.type)) {
      writer.refuse(`expected ${field.name} for ${kind.datatype}, got field ${number}`);
    }
    const packed = type === wireTypes.bytes ? new WireReader(reader.bytes()) : null;
    if (!packed) writer.push(field.read(reader));
    for (; packed && !packed.isAtEnd; i++) {
      writer.push(field.read(packed));
      if (i % stride === 0) yield;
    }
    if (i % stride === 0) yield;
  }
  return writer.done();
}

// biome-ignore lint/correctness/useYield: there are few items, and none is copied
function* readItems(bytes: Buffer, count: number): Steps<readonly Uint8Array[]> {
  const items: Uint8Array[] = [];
  const reader = new WireReader(bytes);
  while (!reader.isAtEnd && items.length <= count) {
    const { number, type } = reader.field();
    if (number !== bytesContents || type !== wireTypes.bytes) {
      throw new HttpError(400, `contents: expected bytes_contents for BYTES, got field ${number}`);
    }
    items.push(reader.bytes());
  }
  requireCount('contents', items.length, count);
  return items;
}
