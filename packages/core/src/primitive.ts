// How a primitive operation is described: its shape and dtype rule and its gradient, kept together in one family file.

import { BnError } from './errors.js';
import { type DType, formatSpec, type Spec } from './spec.js';
import { type OperationAttributes, type OperationName, requireSizes, Tensor, where } from './tensor.js';

/** Attributes of operations that have none. */
export type None = Readonly<Record<string, never>>;

export interface Definition<Op extends OperationName> {
  /** Shape and dtype of the result; throws `shape` or `dtype` for inputs that do not fit. */
  spec(inputs: readonly Tensor[], attributes: OperationAttributes[Op]): Spec;
  /**
   * The gradient of each input, given that of the output `y`; `null` for inputs without one. An operation without
   * this function stops gradients.
   */
  gradient?(y: Tensor<Op>, dy: Tensor): readonly (Tensor | null)[];
}

export type Definitions<Ops extends OperationName> = { readonly [Op in Ops]: Definition<Op> };

/** Makes a node of the given operation. */
export function apply<Ops extends OperationName, Op extends Ops>(
  definitions: Definitions<Ops>,
  op: Op,
  inputs: readonly Tensor[],
  attributes: OperationAttributes[Op],
): Tensor<Op> {
  const spec = definitions[op].spec(inputs, attributes);
  requireSizes(op, spec.shape);
  return new Tensor<Op>(op, inputs, attributes, spec);
}

/** Throws `dtype` unless all inputs have one of the allowed dtypes, and the same one. */
export function requireDType(op: string, inputs: readonly Tensor[], ...allowed: readonly DType[]): DType {
  const dtype = inputs[0]!.dtype;
  if (!allowed.includes(dtype) || inputs.some((x) => x.dtype !== dtype)) {
    const one = inputs.length === 1 ? '' : ' inputs of one type';
    throw new BnError(
      'dtype',
      `${where(op)}: expected ${allowed.join(' or ')}${one}, got ${inputs.map(formatSpec).join(' and ')}; use cast()`,
    );
  }
  return dtype;
}
