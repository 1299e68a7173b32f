// Small constructors for the messages of onnx.proto.

import type { DType, Shape } from '@bn/core';
import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  type GraphProto,
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.js';

/** A node's attribute: numbers are ints unless wrapped, since 1 could be either. */
export type Attribute = number | readonly number[] | string | { readonly float: number } | GraphProto;

/** Element types of initializers: those of graphs, and int64 for shapes, axes and indices. */
export type ElementType = DType | 'int64';

/** ONNX's number for each element type. */
export const dataTypes: { readonly [T in ElementType]: DataType } = {
  float32: DataType.FLOAT,
  int32: DataType.INT32,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
  int64: DataType.INT64,
};

/** The name of a symbolic batch size in exported models. */
const batchDimension = 'batch';

export function attributeProto(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: bytesOfAscii(value) });
  }
  if ('$typeName' in value) return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: value });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}

/** An initializer; `bytes` are its elements, little endian. */
export function tensorProto(name: string, type: ElementType, shape: readonly number[], bytes: Uint8Array): TensorProto {
  return create(TensorProtoSchema, { name, dataType: dataTypes[type], dims: shape.map(BigInt), rawData: bytes });
}

/** Name, element type and shape of a graph's input or output. */
export function valueInfo(name: string, dtype: DType, shape: Shape): ValueInfoProto {
  const open = { case: 'dimParam' as const, value: batchDimension };
  const dim = shape.map((n) => ({ value: n === null ? open : { case: 'dimValue' as const, value: BigInt(n) } }));
  const tensorType = { elemType: dataTypes[dtype], shape: { dim } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: tensorType } } });
}

/** Texts by key, as a model keeps them. */
export function metadataProps(metadata: Readonly<Record<string, string>>): StringStringEntryProto[] {
  return Object.entries(metadata).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
}

// String attributes are all ASCII; TextEncoder is no part of the language that this package is limited to.
function bytesOfAscii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
