// How a primitive operation is described: its shape and dtype rule and its gradient, kept together in one family file.

import { BnError } from './errors.js';
import type { ConvolutionAttributes } from './ops/convolution.js';
import type { BinaryName } from './ops/elementwise.js';
import { type DType, formatSpec, type Spec } from './spec.js';
import { type OperationAttributes, type OperationName, requireSizes, site, Tensor } from './tensor.js';

/** Attributes of operations that have none. */
export type None = Readonly<Record<string, never>>;

type Two = readonly [Tensor, Tensor];
interface OperandsByName
  extends Record<BinaryName | 'matmul' | 'gather' | 'maxPool2dGradient' | keyof ConvolutionAttributes, Two> {
  iota: readonly [];
  where: readonly [Tensor, Tensor, Tensor];
  concat: readonly Tensor[];
  batchNormalize: readonly [Tensor, Tensor, Tensor, Tensor, Tensor];
}
/** What an operation takes: one tensor, if the table does not say otherwise. */
export type Operands<Op extends OperationName> = Op extends keyof OperandsByName
  ? OperandsByName[Op]
  : readonly [Tensor];

export interface Definition<Op extends OperationName> {
  /** Shape and dtype of the result; throws `shape` or `dtype`, naming `op`, for inputs that do not fit. */
  spec(inputs: Operands<Op>, attributes: OperationAttributes[Op], op: Op): Spec;
  /**
   * The gradient of each input, given that of the output `y`; `null` for inputs without one. An operation without
   * this function stops gradients.
   */
  gradient?(y: Tensor<Op> & { readonly inputs: Operands<Op> }, dy: Tensor): readonly (Tensor | null)[];
}

export type Definitions<Ops extends OperationName> = { readonly [Op in Ops]: Definition<Op> };

/** Makes a node of the given operation. */
export function apply<Ops extends OperationName, Op extends Ops>(
  definitions: Definitions<Ops>,
  op: Op,
  inputs: Operands<Op>,
  attributes: OperationAttributes[Op],
): Tensor<Op> {
  const spec = definitions[op].spec(inputs, attributes, op);
  requireSizes(op, spec.shape);
  return new Tensor<Op>(op, inputs, attributes, spec);
}

/** Throws `dtype` unless all inputs have one of the allowed dtypes, and the same one. */
export function requireDType(op: string, inputs: readonly Tensor[], ...allowed: readonly DType[]): DType {
  const dtype = inputs[0]!.dtype;
  if (!allowed.includes(dtype) || inputs.some((x) => x.dtype !== dtype)) {
    const one = inputs.length === 1 ? '' : ' inputs of one type';
    const seen = inputs.map(formatSpec).join(' and ');
    throw new BnError('dtype', `${site(op)}: expected ${allowed.join(' or ')}${one}, got ${seen}; use cast()`);
  }
  return dtype;
}
