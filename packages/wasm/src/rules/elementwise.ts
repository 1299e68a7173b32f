// Rules of elementwise operations.

import type { PrimitiveName, Tensor } from '@bn/core';
import { binary, convert, unary, where } from '../ir/expressions.js';
import { Index } from '../ir/index-form.js';
import type { BinaryOperation, Expression, UnaryOperation } from '../ir/nest.js';
import { knownAxes, readOnce } from './axes.js';
import type { Facts, Lowering, NodeOf, Rounding, Rule } from './rule.js';

type Elementwise = UnaryOperation | BinaryOperation | 'where' | 'cast';

/** Of computing an element, in additions. */
const simple = 1;

export const elementwise: { readonly [P in Elementwise]: Rule<P> } = {
  add: ofTwo('add', simple, 'as users do'),
  sub: ofTwo('sub', simple, 'as users do'),
  mul: ofTwo('mul', simple, 'as users do'),
  div: ofTwo('div', 4, 'as users do'),
  maximum: ofTwo('maximum', simple, 'as users do'),
  minimum: ofTwo('minimum', simple, 'as users do'),
  equal: ofTwo('equal', simple, 'results'),
  less: ofTwo('less', simple, 'bits'),
  neg: ofOne('neg', simple, 'as users do'),
  exp: ofOne('exp', 10, 'bits'),
  log: ofOne('log', 12, 'bits'),
  sqrt: ofOne('sqrt', 4, 'bits'),
  tanh: ofOne('tanh', 12, 'bits'),
  sigmoid: ofOne('sigmoid', 12, 'bits'),
  erf: ofOne('erf', 12, 'bits'),
  where: {
    ...facts(simple, () => 'as users do'),
    element: (node, indices, lowering) => {
      const [condition, a, b] = operands(node, indices, lowering);
      return where(condition, a, b);
    },
  },
  cast: {
    ...facts(simple, ({ dtype }) => (dtype === 'float32' ? 'bits' : 'results')),
    element: (node, indices, lowering) => convert(operands(node, indices, lowering)[0], node.attributes.dtype),
  },
};

/** Whether each element is computed from the operands' elements at the same place. */
export function isElementwise({ op }: Tensor): boolean {
  return op in elementwise;
}

function facts(cost: number, rounding: (node: Tensor) => Rounding): Facts<PrimitiveName> {
  return {
    ...{ ...knownAxes, takesLanes: () => true, mixesRows: () => false, products: () => 0 },
    ...{ cost, readsMemory: () => false, spreads: true, elementsRead: readOnce, rounding },
  };
}

function ofOne<P extends UnaryOperation>(op: P, cost: number, rounding: Rounding): Rule<P> {
  return {
    ...facts(cost, () => rounding),
    element: (node, indices, lowering) => unary(op, operands(node, indices, lowering)[0]),
  };
}

function ofTwo<P extends BinaryOperation>(op: P, cost: number, rounding: Rounding): Rule<P> {
  return {
    ...facts(cost, () => rounding),
    element: (node, indices, lowering) => {
      const [a, b] = operands(node, indices, lowering);
      return binary(op, a, b);
    },
  };
}

function operands(node: NodeOf<PrimitiveName>, indices: readonly Index[], lowering: Lowering): Expression[] {
  return node.inputs.map((x) => lowering.at(x, broadcastIndices(x.shape as readonly number[], indices)));
}

/** Indices into a tensor that stretches to where `indices` point: aligned at the right, 0 along sizes 1. */
export function broadcastIndices(shape: readonly number[], indices: readonly Index[]): Index[] {
  const added = indices.length - shape.length;
  return shape.map((n, axis) => (n === 1 ? new Index(0) : indices[added + axis]));
}
