// Packs what a graph is given and gives back at every run into one vector: one copy to the device instead of many.

import { BnError } from './errors.js';
import { createGraph, type Graph, replaceNodes } from './graph.js';
import { concat, reshape, slice } from './ops/shape.js';
import { formatSpec, sizeOf } from './spec.js';
import { input, isOp } from './tensor.js';

/** Where in the vector a value lies. */
export interface PackedValue {
  readonly path: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface PackedGraph {
  /** With an input and an output `packed state` float32 [size] in place of the inputs and outputs of these paths. */
  readonly graph: Graph;
  readonly values: readonly PackedValue[];
  /** Elements of the vector. */
  readonly size: number;
}

/** The name of the vector, as input and as output. */
export const packedName = 'packed state';

/**
 * The graph with the values at `paths` in one vector. A path that is not an output is passed on unchanged.
 *
 * @throws `argument` for paths that are not float32 inputs of the graph, or if `packed state` is a name in it already
 */
export function packState(graph: Graph, paths: readonly string[]): PackedGraph {
  if (graph.inputs.has(packedName) || graph.outputs.has(packedName)) {
    throw new BnError('argument', `packState: the graph has a '${packedName}' already; rename it`);
  }
  let size = 0;
  const values = paths.map((path): PackedValue => {
    const x = graph.inputs.get(path);
    if (x?.dtype !== 'float32') {
      const seen = x ? formatSpec(x) : 'not an input';
      throw new BnError('argument', `packState: '${path}' is ${seen}; pack float32 inputs`);
    }
    const start = size;
    size += sizeOf(x.shape);
    return { path, shape: x.shape as readonly number[], start, end: size };
  });
  const results = values.map(({ path, start, end }) => {
    return reshape(graph.outputs.get(path) ?? graph.inputs.get(path)!, [end - start]);
  });
  const others = [...graph.outputs].filter(([name]) => !paths.includes(name));
  const state = input(packedName, [size]);
  const parts = values.map(({ path, shape, start, end }) => {
    return [path, reshape(slice(state, [start], [end]), shape)] as const;
  });
  const unpacked = new Map(parts);
  const whole = createGraph(new Map([[packedName, concat(results, 0)], ...others]));
  const packed = replaceNodes(whole, (node) => (isOp(node, 'input') && unpacked.get(node.attributes.name)) || node);
  return { graph: packed, values, size };
}
