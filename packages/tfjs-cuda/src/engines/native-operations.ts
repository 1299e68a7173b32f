// TensorFlow.js's kernels as TensorFlow operations (tensorflow/core/ops/*.cc), one row each.

import type { ElementArray, ElementType } from '../engine.js';
import type { Binding, OperationAttribute } from '../native/binding.js';
import type { Call, ImagePadding, KernelName, PlainName } from '../program/kernels.js';

/** A tensor that an operation takes where the kernel has an attribute. */
export interface Argument {
  readonly data: ElementArray;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
}

export interface NativeOperation {
  readonly name: string;
  readonly attributes: readonly OperationAttribute[];
  /** In TensorFlow's order: the number of an operand, or an argument. */
  readonly inputs: readonly (number | Argument)[];
}

/** Without `inputs` they are the operands. TensorFlow takes the attribute T from the inputs. */
type Row<K extends KernelName> = (call: Call<K>) => {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly inputs?: readonly (number | Argument)[];
};
type AttributeValue = boolean | string | number | readonly number[] | { readonly type: ElementType };

/** The operation for a call, with TensorFlow's attributes. */
export function nativeOperation(binding: Binding, call: Call): NativeOperation {
  const { kernel } = call;
  const rowOf = (operations as Readonly<Record<string, Row<KernelName>>>)[kernel];
  const row = rowOf?.(call) ?? { name: renamed[kernel as PlainName] ?? kernel };
  const attributes = Object.entries(row.attributes ?? {});
  return {
    name: row.name,
    attributes: attributes.map(([name, value]) => attribute(binding, name, value)),
    inputs: row.inputs ?? call.operands.map((_, i) => i),
  };
}

function attribute(binding: Binding, name: string, value: AttributeValue): OperationAttribute {
  if (typeof value === 'boolean') return { name, type: binding.TF_ATTR_BOOL, value };
  if (typeof value === 'string') return { name, type: binding.TF_ATTR_STRING, value };
  if (typeof value === 'number' || Array.isArray(value)) {
    return { name, type: binding.TF_ATTR_INT, value: value as number | number[] };
  }
  const types = { float32: binding.TF_FLOAT, int32: binding.TF_INT32, bool: binding.TF_BOOL };
  const { type } = value as { readonly type: ElementType };
  return { name, type: binding.TF_ATTR_TYPE, value: types[type] };
}

/** Plain kernels that TensorFlow calls otherwise. */
const renamed: { readonly [K in PlainName]?: string } = { Add: 'AddV2', Multiply: 'Mul', Select: 'SelectV2' };

const operations: { readonly [K in Exclude<KernelName, PlainName>]: Row<K> } = {
  Softmax: () => ({ name: 'Softmax' }),
  Cast: ({ attributes: { dtype } }) => ({ name: 'Cast', attributes: { DstT: { type: dtype } } }),
  Sum: ({ attributes: { axis } }) => ({ name: 'Sum', inputs: [0, integers(axis)] }),
  Max: ({ attributes: { reductionIndices } }) => ({ name: 'Max', inputs: [0, integers(reductionIndices)] }),
  ArgMax: ({ attributes: { axis } }) => ({
    name: 'ArgMax',
    attributes: { output_type: { type: 'int32' } },
    inputs: [0, integer(axis)],
  }),
  Reshape: ({ attributes: { shape } }) => ({ name: 'Reshape', inputs: [0, integers(shape)] }),
  Transpose: ({ attributes: { perm } }) => ({ name: 'Transpose', inputs: [0, integers(perm)] }),
  Tile: ({ attributes: { reps } }) => ({ name: 'Tile', inputs: [0, integers(reps)] }),
  PadV2: ({ attributes: { paddings, constantValue }, result: { dtype } }) => ({
    name: 'PadV2',
    inputs: [
      0,
      { data: Int32Array.from(paddings.flat()), shape: [paddings.length, 2], dtype: 'int32' },
      { data: arrayTypes[dtype].of(constantValue), shape: [], dtype },
    ],
  }),
  Slice: ({ attributes: { begin, size } }) => ({ name: 'Slice', inputs: [0, integers(begin), integers(size)] }),
  Concat: ({ attributes: { axis }, operands, result }) => ({
    name: 'ConcatV2',
    // Of a list of inputs TensorFlow does not take the type.
    attributes: { N: operands.length, T: { type: result.dtype } },
    inputs: [...operands.keys(), integer(axis)],
  }),
  GatherV2: ({ attributes: { axis } }) => ({ name: 'GatherV2', inputs: [0, 1, integer(axis)] }),
  Reverse: ({ attributes: { dims } }) => ({ name: 'ReverseV2', inputs: [0, integers(dims)] }),
  BatchMatMul: ({ attributes: { transposeA, transposeB } }) => ({
    name: 'BatchMatMulV2',
    attributes: { adj_x: transposeA, adj_y: transposeB },
  }),
  Conv2D: ({ attributes: { strides, pad, dilations } }) => ({
    name: 'Conv2D',
    attributes: { ...convolution(strides, pad), dilations: [1, ...dilations, 1] },
  }),
  Conv2DBackpropInput: ({ attributes: { strides, pad, inputShape } }) => ({
    name: 'Conv2DBackpropInput',
    attributes: convolution(strides, pad),
    inputs: [integers(inputShape), 1, 0],
  }),
  Conv2DBackpropFilter: ({ attributes: { strides, pad, filterShape } }) => ({
    name: 'Conv2DBackpropFilter',
    attributes: convolution(strides, pad),
    inputs: [0, integers(filterShape), 1],
  }),
  AvgPool: ({ attributes }) => ({ name: 'AvgPool', attributes: pooling(attributes) }),
  AvgPoolGrad: ({ attributes }) => ({
    name: 'AvgPoolGrad',
    attributes: pooling(attributes),
    inputs: [integers(attributes.inputShape), 0],
  }),
  MaxPool: ({ attributes }) => ({ name: 'MaxPool', attributes: pooling(attributes) }),
  MaxPoolGrad: ({ attributes }) => ({
    name: 'MaxPoolGrad',
    attributes: pooling(attributes),
    inputs: [1, 2, 0],
  }),
};

const arrayTypes = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

function integers(values: readonly number[]): Argument {
  return { data: Int32Array.from(values), shape: [values.length], dtype: 'int32' };
}
function integer(value: number): Argument {
  return { data: Int32Array.of(value), shape: [], dtype: 'int32' };
}

function convolution(strides: readonly [number, number], pad: ImagePadding) {
  const explicit = pad.flat().some((n) => n !== 0);
  return {
    strides: [1, ...strides, 1],
    padding: explicit ? 'EXPLICIT' : 'VALID',
    ...(explicit ? { explicit_paddings: pad.flat() } : {}),
  };
}

function pooling({ filterSize, strides }: { filterSize: readonly number[]; strides: readonly number[] }) {
  return { ksize: [1, ...filterSize, 1], strides: [1, ...strides, 1], padding: 'VALID' };
}
