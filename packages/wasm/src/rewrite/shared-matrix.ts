// Products with one matrix for all leading indices, as of a dense layer on every token: copies of it would be as many.

import { isOp, ops, sizeOf, Tensor } from '@bn/core';
import type { Replacement } from './replace-nodes.js';

/** Gives a product its matrix as it is, without the leading axes that it was stretched along. */
export const shareMatrix: Replacement = (_, node) => {
  if (!isOp(node, 'matmul')) return null;
  const [a, b] = node.inputs;
  const matrix = b.shape.slice(-2) as number[];
  let given = b;
  while (isOp(given, 'broadcastTo')) given = given.inputs[0];
  if (given === b || sizeOf(given.shape) !== sizeOf(matrix)) return null;
  return new Tensor('matmul', [a, ops.reshape(given, matrix)], node.attributes, node);
};
