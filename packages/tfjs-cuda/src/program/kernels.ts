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

/** Kernels without attributes, of one operand and of two. */
export type PlainUnary = 'Neg' | 'Exp' | 'Log' | 'Sqrt' | 'Tanh' | 'Sigmoid' | 'Erf' | 'Relu';
export type PlainBinary = 'Add' | 'Sub' | 'Multiply' | 'RealDiv' | 'Maximum' | 'Minimum' | 'BitwiseAnd' | Comparison;
type Comparison = 'Equal' | 'NotEqual' | 'Less';
export type PlainName = PlainUnary | PlainBinary | 'Select';

/** Attributes by kernel. Images are [batch, height, width, channels], filters [height, width, in, out]. */
export interface KernelAttributes extends Readonly<Record<PlainName, None>> {
  Softmax: { readonly dim: number };
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

/** What operands are called, in the order in which programs give them, where it is not x alone, or a and b. */
const ownNames: { readonly [K in KernelName]?: readonly string[] } = {
  Softmax: ['logits'],
  Select: ['condition', 't', 'e'],
  GatherV2: ['x', 'indices'],
  Conv2D: ['x', 'filter'],
  Conv2DBackpropInput: ['dy', 'filter'],
  Conv2DBackpropFilter: ['x', 'dy'],
  AvgPoolGrad: ['dy'],
  MaxPoolGrad: ['dy', 'input', 'output'],
};

/** Names of a call's operands; Concat takes a list, without names. */
export function operandNames({ kernel, operands }: Call): readonly string[] {
  if (kernel === 'Concat') return [];
  return ownNames[kernel] ?? (operands.length === 1 ? ['x'] : ['a', 'b']);
}

/** A kernel to be run: all but the tensors themselves. */
export interface Call<K extends KernelName = KernelName> {
  readonly kernel: K;
  readonly attributes: KernelAttributes[K];
  readonly operands: readonly Ref[];
  readonly result: Ref;
}
