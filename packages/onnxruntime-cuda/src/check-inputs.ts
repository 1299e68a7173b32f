// What a run is given against what its graph takes.

import { BnError, formatSpec, type Graph, type Spec, type Value } from '@bn/core';

/** @throws `argument` for missing or unknown names, `dtype` and `shape` for values that are not what the graph takes. */
export function checkInputs(graph: Graph, inputs: ReadonlyMap<string, Value>): void {
  const missing = [...graph.inputs.keys()].filter((name) => !inputs.has(name));
  const unknown =
    inputs.size === graph.inputs.size - missing.length
      ? []
      : [...inputs.keys()].filter((name) => !graph.inputs.has(name));
  if (missing.length + unknown.length > 0) {
    const wrong = [...missing.map((name) => `'${name}' is missing`), ...unknown.map((name) => `'${name}' is unknown`)];
    throw new BnError(
      'argument',
      `run: input ${wrong.join(', ')}; the graph takes ${[...graph.inputs.keys()].join(', ')}`,
    );
  }
  let batch: number | null = null;
  for (const [name, expected] of graph.inputs) {
    const got = inputs.get(name)!.spec;
    if (got.dtype !== expected.dtype) throw mismatch('dtype', name, expected, got);
    if (got.shape.length !== expected.shape.length) throw mismatch('shape', name, expected, got);
    for (const [axis, n] of expected.shape.entries()) {
      const size = got.shape[axis]!;
      if (size !== (n ?? batch ?? size)) throw mismatch('shape', name, expected, got);
      if (n === null) batch = size;
    }
  }
}

function mismatch(code: 'shape' | 'dtype', name: string, expected: Spec, got: Spec): BnError {
  const rule = expected.shape.includes(null) ? '; batch is one size in all inputs' : '';
  return new BnError(code, `run: input '${name}' must be ${formatSpec(expected)}, got ${formatSpec(got)}${rule}`);
}
