// Whether the rows of a batch are computed each for itself: then a program for many rows also does for fewer.

import { decomposeFused, type Graph, type Shape, type Tensor } from '@bn/core';
import { ruleOf } from '../rules/table.js';
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
  if (own.length === 0 || ruleOf(node).mixesRows(node as never, own[0])) return false;
  const parallel = parallelAxes(node);
  return symbolic.every((operand) => {
    const axis = node.inputs[operand].shape.indexOf(null);
    return parallel.some((pair) => pair.operand === operand && pair.axis === axis && pair.own === own[0]);
  });
}

function symbolicAxes(shape: Shape): number[] {
  return shape.flatMap((n, axis) => (n === null ? [axis] : []));
}
