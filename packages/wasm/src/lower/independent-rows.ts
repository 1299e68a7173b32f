// Whether the rows of a batch are computed each for itself: then a program for many rows also does for fewer.

import { decomposeFused, type Graph, isOp, type Shape, type Tensor } from '@bn/core';
import { parallelAxes } from './lane-axes.js';

/** True if the symbolic axis comes first in inputs and outputs, and no operation mixes what lies along it. */
export function hasIndependentRows(graph: Graph): boolean {
  const ends = [...graph.inputs.values(), ...graph.outputs.values()];
  return (
    ends.every(({ shape }) => shape.lastIndexOf(null) <= 0) &&
    [...graph.inputs.values()].some(({ shape }) => shape[0] === null) &&
    decomposeFused(graph).nodes.every(keepsRows)
  );
}

function keepsRows(node: Tensor): boolean {
  const own = symbolicAxes(node.shape);
  if (own.length > 1) return false;
  const symbolic = [...node.inputs.keys()].filter((operand) => node.inputs[operand].shape.includes(null));
  if (symbolic.length === 0) return true;
  if (own.length === 0 || isMixing(node, own[0])) return false;
  const parallel = parallelAxes(node);
  return symbolic.every((operand) => {
    const axis = node.inputs[operand].shape.indexOf(null);
    return parallel.some((pair) => pair.operand === operand && pair.axis === axis && pair.own === own[0]);
  });
}

/** Operations that move rows; and gathering, which would follow indices that rows past the end happen to hold. */
function isMixing(node: Tensor, rows: number): boolean {
  if (isOp(node, 'slice')) return node.attributes.start[rows] !== 0;
  if (isOp(node, 'concat')) return node.attributes.axis === rows;
  return isOp(node, 'gather');
}

function symbolicAxes(shape: Shape): number[] {
  return shape.flatMap((n, axis) => (n === null ? [axis] : []));
}
