// Reads the tensors in a model file. Nothing is allocated before the sizes are seen to fit the bytes that are there.

import { BnError, type DType, sizeOf } from '@bn/core';
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type TensorProto,
} from '../generated/onnx_pb.js';
import { damaged } from './damaged.js';
import type { Constant } from './value.js';

/** Element types that are read, and what they become. Graphs have no int64: its numbers are shapes, axes and indices. */
const dtypes: ReadonlyMap<number, DType> = new Map([
  [DataType.FLOAT, 'float32'],
  [DataType.FLOAT16, 'float32'], // computed with more digits
  [DataType.DOUBLE, 'float32'], // bounds of Clip from PyTorch
  [DataType.INT32, 'int32'],
  [DataType.INT64, 'int32'],
  [DataType.UINT8, 'uint8'],
  [DataType.BOOL, 'bool'],
]);

/** Far above what anything has. */
const mostAxes = 16;

/** The dtype for ONNX's number of an element type; throws `unsupported` for others. */
export function dtypeOf(dataType: number, what: string): DType {
  const dtype = dtypes.get(dataType);
  if (dtype) return dtype;
  const read = 'only float16, float32, float64, int32, int64, uint8 and bool are read';
  throw new BnError('unsupported', `${what} has the element type ${DataType[dataType] ?? dataType}; ${read}`);
}

/**
 * @throws `data` if the tensor's bytes are not those of its shape, `unsupported` if they are in another file, or of
 * another type
 */
export function readTensor(tensor: TensorProto, what: string): Constant {
  const { dataType, dims, dataLocation, externalData, segment } = tensor;
  if (dataLocation === DataLocation.EXTERNAL || externalData.length > 0 || segment) {
    const cure = 'pass the model through embedExternalData, or save it as one file';
    throw new BnError('unsupported', `the data of ${what} are in another file; ${cure}`);
  }
  const dtype = dtypeOf(dataType, what);
  const shape = dims.map(Number);
  const size = sizeOf(shape);
  if (shape.length > mostAxes || !shape.every((n) => n >= 0) || !Number.isSafeInteger(size)) {
    throw damaged(`${what} has the impossible shape [${shape}]`);
  }
  const data = tensor.rawData.length > 0 ? fromBytes(tensor) : fromNumbers(tensor);
  if (data.length !== size) throw damaged(`${what} has ${data.length} values for the shape [${shape}]`);
  return { dtype, shape, data };
}

/** Bytes of an element, where they are not one. */
const widths: ReadonlyMap<number, number> = new Map([
  [DataType.FLOAT, 4],
  [DataType.INT32, 4],
  [DataType.INT64, 8],
  [DataType.DOUBLE, 8],
  [DataType.FLOAT16, 2],
]);

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
function halfOf(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits >> 15 === 0 ? 1 : -1;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** Elements of the raw bytes, little endian; a rest that is no element makes the length wrong. */
function fromBytes({ dataType, rawData }: TensorProto): Constant['data'] {
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  const width = widths.get(dataType) ?? 1;
  const count = rawData.length / width;
  if (!Number.isInteger(count)) return [];
  // Copied: the bytes may lie at an odd address.
  if (dataType === DataType.FLOAT) return new Float32Array(new Uint8Array(rawData).buffer);
  if (dataType === DataType.DOUBLE) return Float32Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, true));
  if (dataType === DataType.FLOAT16) {
    return Float32Array.from({ length: count }, (_, i) => halfOf(view.getUint16(2 * i, true)));
  }
  return Array.from({ length: count }, (_, i) => {
    if (width === 1) return view.getUint8(i);
    return width === 4 ? view.getInt32(4 * i, true) : Number(view.getBigInt64(8 * i, true));
  });
}

function fromNumbers({ dataType, floatData, doubleData, int32Data, int64Data }: TensorProto): Constant['data'] {
  if (dataType === DataType.FLOAT) return Float32Array.from(floatData);
  if (dataType === DataType.DOUBLE) return Float32Array.from(doubleData);
  if (dataType === DataType.FLOAT16) return Float32Array.from(int32Data, halfOf);
  return dataType === DataType.INT64 ? int64Data.map(Number) : int32Data;
}
