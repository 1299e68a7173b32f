// What a run is given against what its graph takes.

import { BnError, formatSpec, type Graph, type Spec, type Value } from '@bn/core';

/**
 * The size that the symbolic batch dimension has in these inputs; 1 if there is none.
 *
 * @throws `argument` for missing or unknown names, `dtype` and `shape` for values that are not what the graph takes.
 */
export function checkInputs(graph: Graph, inputs: ReadonlyMap<string, Value>): number {
  const unknown = [...inputs.keys()].filter((name) => !graph.inputs.has(name));
  const missing = [...graph.inputs.keys()].filter((name) => !inputs.has(name));
  if (unknown.length + missing.length > 0) {
    const wrong = [...missing.map((name) => `'${name}' is missing`), ...unknown.map((name) => `'${name}' is unknown`)];
    throw new BnError(
      'argument',
      `run: input ${wrong.join(', ')}; the graph takes ${[...graph.inputs.keys()].join(', ')}`,
    );
  }
  let batch: number | undefined;
  for (const [name, { dtype, shape }] of graph.inputs) {
    const { spec } = inputs.get(name)!;
    if (spec.dtype !== dtype) throw mismatch('dtype', name, { dtype, shape }, spec);
    if (spec.shape.length !== shape.length) throw mismatch('shape', name, { dtype, shape }, spec);
    shape.forEach((n, axis) => {
      const size = spec.shape[axis]!;
      if (size !== (n ?? batch ?? size)) throw mismatch('shape', name, { dtype, shape }, spec);
      if (n === null) batch = size;
    });
  }
  return batch ?? 1;
}

function mismatch(code: 'shape' | 'dtype', name: string, expected: Spec, got: Spec): BnError {
  const rule = expected.shape.includes(null) ? '; batch is one size in all inputs' : '';
  return new BnError(code, `run: input '${name}' must be ${formatSpec(expected)}, got ${formatSpec(got)}${rule}`);
}
