// Rules of elementwise operations.

import type { PrimitiveName, Tensor } from '@bn/core';
import { Index } from '../ir/index-form.js';
import type { BinaryOperation, Expression, UnaryOperation } from '../ir/nest.js';
import { binary, convert, unary, where } from './expressions.js';
import type { Lowering, NodeOf, Rule } from './rule.js';

type Elementwise = UnaryOperation | BinaryOperation | 'where' | 'cast';

export const elementwise: { readonly [P in Elementwise]: Rule<P> } = {
  add: ofTwo('add'),
  sub: ofTwo('sub'),
  mul: ofTwo('mul'),
  div: ofTwo('div'),
  maximum: ofTwo('maximum'),
  minimum: ofTwo('minimum'),
  equal: ofTwo('equal'),
  less: ofTwo('less'),
  neg: ofOne('neg'),
  exp: ofOne('exp'),
  log: ofOne('log'),
  sqrt: ofOne('sqrt'),
  tanh: ofOne('tanh'),
  sigmoid: ofOne('sigmoid'),
  erf: ofOne('erf'),
  where: {
    element: (node, indices, lowering) => {
      const [condition, a, b] = operands(node, indices, lowering);
      return where(condition, a, b);
    },
  },
  cast: {
    element: (node, indices, lowering) => convert(operands(node, indices, lowering)[0], node.attributes.dtype),
  },
};

/** Whether each element is computed from the operands' elements at the same place. */
export function isElementwise({ op }: Tensor): boolean {
  return op in elementwise;
}

function ofOne<P extends UnaryOperation>(op: P): Rule<P> {
  return { element: (node, indices, lowering) => unary(op, operands(node, indices, lowering)[0]) };
}

function ofTwo<P extends BinaryOperation>(op: P): Rule<P> {
  return {
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
