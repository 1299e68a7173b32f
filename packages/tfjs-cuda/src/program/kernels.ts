// The kernels that programs are made of: names, inputs and attributes are those of TensorFlow.js.

import type { ElementType } from '../engine.js';

/** A tensor in a program: its shape as it lies in memory. */
export interface Ref {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
}

type None = Readonly<Record<string, never>>;

/** [before, after] per axis of [batch, height, width, channels]; the first and the last are zero. */
export type ImagePadding = readonly [Range, Range, Range, Range];
type Range = readonly [number, number];

interface Pooling {
  readonly filterSize: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly pad: 'valid';
}

/** Attributes by kernel. Images are [batch, height, width, channels], filters [height, width, in, out]. */
export interface KernelAttributes {
  Add: None;
  Sub: None;
  Multiply: None;
  RealDiv: None;
  Maximum: None;
  Minimum: None;
  Equal: None;
  NotEqual: None;
  Less: None;
  BitwiseAnd: None;
  Neg: None;
  Exp: None;
  Log: None;
  Sqrt: None;
  Tanh: None;
  Sigmoid: None;
  Erf: None;
  Relu: None;
  Softmax: { readonly dim: number };
  Select: None;
  Cast: { readonly dtype: ElementType };
  Sum: { readonly axis: readonly number[]; readonly keepDims: false };
  Max: { readonly reductionIndices: readonly number[]; readonly keepDims: false };
  ArgMax: { readonly axis: number };
  Reshape: { readonly shape: readonly number[] };
  Transpose: { readonly perm: readonly number[] };
  Tile: { readonly reps: readonly number[] };
  PadV2: { readonly paddings: readonly Range[]; readonly constantValue: number };
  Slice: { readonly begin: readonly number[]; readonly size: readonly number[] };
  Concat: { readonly axis: number };
  GatherV2: { readonly axis: number; readonly batchDims: 0 };
  Reverse: { readonly dims: readonly number[] };
  BatchMatMul: { readonly transposeA: boolean; readonly transposeB: boolean };
  Conv2D: {
    readonly strides: readonly [number, number];
    readonly pad: ImagePadding;
    readonly dataFormat: 'NHWC';
    readonly dilations: readonly [number, number];
  };
  Conv2DBackpropInput: {
    readonly strides: readonly [number, number];
    readonly pad: ImagePadding;
    readonly dataFormat: 'NHWC';
    readonly inputShape: readonly number[];
  };
  Conv2DBackpropFilter: {
    readonly strides: readonly [number, number];
    readonly pad: ImagePadding;
    readonly dataFormat: 'NHWC';
    readonly filterShape: readonly number[];
  };
  AvgPool: Pooling;
  AvgPoolGrad: Pooling & { readonly inputShape: readonly number[] };
  MaxPool: Pooling;
  MaxPoolGrad: Pooling;
}
export type KernelName = keyof KernelAttributes;

const unary = ['x'];
const binary = ['a', 'b'];

/** What the operands of each kernel are called, in the order in which programs give them; Concat takes a list. */
export const operandNames: { readonly [K in KernelName]: readonly string[] } = {
  Add: binary,
  Sub: binary,
  Multiply: binary,
  RealDiv: binary,
  Maximum: binary,
  Minimum: binary,
  Equal: binary,
  NotEqual: binary,
  Less: binary,
  BitwiseAnd: binary,
  Neg: unary,
  Exp: unary,
  Log: unary,
  Sqrt: unary,
  Tanh: unary,
  Sigmoid: unary,
  Erf: unary,
  Relu: unary,
  Softmax: ['logits'],
  Select: ['condition', 't', 'e'],
  Cast: unary,
  Sum: unary,
  Max: unary,
  ArgMax: unary,
  Reshape: unary,
  Transpose: unary,
  Tile: unary,
  PadV2: unary,
  Slice: unary,
  Concat: [],
  GatherV2: ['x', 'indices'],
  Reverse: unary,
  BatchMatMul: binary,
  Conv2D: ['x', 'filter'],
  Conv2DBackpropInput: ['dy', 'filter'],
  Conv2DBackpropFilter: ['x', 'dy'],
  AvgPool: unary,
  AvgPoolGrad: ['dy'],
  MaxPool: unary,
  MaxPoolGrad: ['dy', 'input', 'output'],
};

/** A kernel to be run: all but the tensors themselves. */
export interface Call<K extends KernelName = KernelName> {
  readonly kernel: K;
  readonly attributes: KernelAttributes[K];
  readonly operands: readonly Ref[];
  readonly result: Ref;
}
