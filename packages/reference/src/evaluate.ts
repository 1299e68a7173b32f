// Runs a graph of primitives node by node.

import { createArray, type DType, type Graph, isOp, type PrimitiveName, type Tensor, type TypedArray } from '@bn/core';
import type { Elements } from './kernel.js';
import { kernels } from './kernels.js';

/** Bits of the numbers that stand for float32: 64 computes everything in double precision. */
export type Precision = 32 | 64;

/** The graph's outputs; `batch` is what the symbolic dimension stands for in this run. */
export function evaluate(
  graph: Graph,
  inputs: ReadonlyMap<string, Elements>,
  batch: number,
  precision: Precision,
): Map<string, Elements> {
  const results = new Map<Tensor, Elements>();
  const lastUse = new Map<Tensor, Tensor>(graph.nodes.flatMap((node) => node.inputs.map((x) => [x, node])));
  const outputs = new Set(graph.outputs.values());
  for (const node of graph.nodes) {
    results.set(node, evaluateNode(node, results, inputs, batch, precision));
    for (const x of node.inputs) if (lastUse.get(x) === node && !outputs.has(x)) results.delete(x);
  }
  return new Map([...graph.outputs].map(([name, node]) => [name, results.get(node)!]));
}

function evaluateNode(
  node: Tensor,
  results: ReadonlyMap<Tensor, Elements>,
  inputs: ReadonlyMap<string, Elements>,
  batch: number,
  precision: Precision,
): Elements {
  if (isOp(node, 'input')) return inputs.get(node.attributes.name)!;
  const shape = node.shape.map((n) => n ?? batch);
  const size = shape.reduce((product, n) => product * n, 1);
  const y: Elements = { data: arrayFor(node.dtype, size, precision), shape, dtype: node.dtype };
  if (isOp(node, 'constant')) {
    y.data.set(node.attributes.data);
  } else {
    const operands = node.inputs.map((x) => results.get(x)!);
    kernels[node.op as PrimitiveName](y, operands, node.attributes as never);
  }
  return y;
}

/** A zero-filled array for values of `dtype` at the given precision. */
export function arrayFor(dtype: DType, size: number, precision: Precision): TypedArray {
  return dtype === 'float32' && precision === 64 ? new Float64Array(size) : createArray(dtype, size);
}
