// A network of one example as a network of any number of them: each of its operations gets an axis in front, along which the
// examples lie. So a file that joins its batch of one with other axes, as PyTorch's exports of ViT and Swin do, takes any batch.

import {
  BnError,
  type Dimension,
  fused,
  input,
  type OperationAttributes,
  type OperationName,
  operandsFirst,
  ops,
  primitives,
  type Shape,
  Tensor,
  withOrigin,
} from '@bn/core';

/** What a network of [1, …], that gives [1, …], gives for each example of x. */
export function byExample(network: (one: Tensor) => Tensor, x: Tensor): Tensor {
  const [batch, ...sizes] = x.shape as [Dimension, ...Shape];
  const one = input('example', [1, ...sizes], x.dtype);
  const result = network(one);
  /** By node, the same with the axis in front; nodes that are the same for all examples are not here. */
  const lifted = new Map<Tensor, Tensor>([[one, ops.reshape(x, [batch, 1, ...sizes])]]);
  for (const node of operandsFirst(result)) {
    if (!node.inputs.some((operand) => lifted.has(operand))) continue;
    lifted.set(
      node,
      withOrigin(node.origin, () => lift(node, lifted, batch)),
    );
  }
  const whole = lifted.get(result);
  if (whole && result.shape[0] === 1) return ops.reshape(whole, [batch, ...result.shape.slice(1)]);
  throw new BnError('unsupported', 'its result is not one of each example');
}

interface Lifting {
  readonly batch: Dimension;
  /** Operands, with the axis in front where they have it. */
  readonly operands: readonly Tensor[];
  readonly has: readonly boolean[];
}

type Rule<Op extends OperationName> = (
  node: Tensor<Op>,
  attributes: OperationAttributes[Op],
  lifting: Lifting,
) => Tensor | null;

function lift(node: Tensor, lifted: ReadonlyMap<Tensor, Tensor>, batch: Dimension): Tensor {
  const operands = node.inputs.map((operand) => lifted.get(operand) ?? operand);
  const lifting = { batch, operands, has: node.inputs.map((operand) => lifted.has(operand)) };
  const rule = rules[node.op] as Rule<OperationName> | undefined;
  const result = rule ? rule(node, node.attributes, lifting) : remade(node, aligned(node, lifting));
  if (result) return result;
  throw new BnError('unsupported', `${node.op} of examples one by one is not imported`);
}

/** Operations whose attributes speak of axes or shapes, or whose operands are not elementwise. Null: not for such operands. */
const rules: { readonly [Op in OperationName]?: Rule<Op> } = {
  sum: (node, { axes, keepDims }, { operands }) => remade(node, operands, { axes: axes.map(next), keepDims }),
  max: (node, { axes, keepDims }, { operands }) => remade(node, operands, { axes: axes.map(next), keepDims }),
  argmax: (node, { axis }, { operands }) => remade(node, operands, { axis: next(axis) }),
  softmax: (node, { axis }, { operands }) => remade(node, operands, { axis: next(axis) }),
  logSoftmax: (node, { axis }, { operands }) => remade(node, operands, { axis: next(axis) }),
  batchNormalize: (node, { axis, epsilon }, { operands, has }) =>
    has.lastIndexOf(true) === 0 ? remade(node, operands, { axis: next(axis), epsilon }) : null,
  reshape: (_, { shape }, { operands: [x], batch }) => ops.reshape(x!, [batch, ...shape]),
  transpose: (_, { permutation }, { operands: [x] }) => ops.transpose(x!, [0, ...permutation.map(next)]),
  broadcastTo: (node, { shape }, lifting) => ops.broadcastTo(aligned(node, lifting)[0]!, [lifting.batch, ...shape]),
  pad: (_, { before, after, value }, { operands: [x] }) => ops.pad(x!, [0, ...before], [0, ...after], value),
  slice: (_, { start, end }, { operands: [x], batch }) => ops.slice(x!, [0, ...start], [batch, ...end]),
  concat: (_, { axis }, { operands, has, batch }) =>
    ops.concat(
      operands.map((x, i) => (has[i] ? x : ops.broadcastTo(x, [batch, ...x.shape]))),
      next(axis),
    ),
  gather: (_, { axis }, { operands: [x, indices], has }) => {
    if (has[0]) return has[1] ? null : ops.gather(x!, indices!, next(axis));
    return axis === 0 ? ops.gather(x!, indices!, 0) : null;
  },
  matmul: (_, attributes, { operands: [a, b], has, batch }) => {
    const rows = a!.shape.slice(1);
    // One row of each example: an ordinary linear layer.
    const isLine = has[0] && !has[1] && rows.length === 2 && rows[0] === 1 && !attributes.transposeA;
    if (!isLine) return ops.matmul(a!, b!, attributes);
    const y = ops.matmul(ops.reshape(a!, [batch, rows[1]!]), b!, attributes);
    return ops.reshape(y, [batch, 1, ...y.shape.slice(1)]);
  },
  conv2d: ofImages,
  conv2dInputGradient: ofImages,
  conv2dFilterGradient: () => null,
  avgPool2d: ofImages,
  avgPool2dGradient: ofImages,
  maxPool2d: ofImages,
  maxPool2dGradient: () => null,
};

function next(axis: number): number {
  return axis + 1;
}

/** The same operation of other operands. */
function remade<Op extends OperationName>(
  { op, attributes }: Tensor<Op>,
  operands: readonly Tensor[],
  changed: OperationAttributes[Op] = attributes,
): Tensor {
  const { spec } = { ...primitives, ...fused }[op as 'relu'];
  return new Tensor(op, operands, changed, spec(operands as never, changed as never, op as never)) as Tensor;
}

/** Operands whose shapes broadcast as they did without the axis in front. */
function aligned(node: Tensor, { operands, has, batch }: Lifting): readonly Tensor[] {
  const rank = node.shape.length;
  return operands.map((x, i) => {
    const sizes = x.shape.slice(1);
    return has[i] ? ops.reshape(x, [batch, ...Array<number>(rank - sizes.length).fill(1), ...sizes]) : x;
  });
}

/** One image of each example, by a filter that is the same for all. */
function ofImages(node: Tensor, _: unknown, { operands: [x, ...others], has, batch }: Lifting): Tensor | null {
  if (has.lastIndexOf(true) > 0 || x!.shape[1] !== 1) return null;
  const y = remade(node, [ops.reshape(x!, [batch, ...x!.shape.slice(2)]), ...others]);
  return ops.reshape(y, [batch, 1, ...y.shape.slice(1)]);
}
