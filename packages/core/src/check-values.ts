// Checks that every backend makes, so that all answer misuse with the same words.

import type { Value } from './backend.js';
import { BnError } from './errors.js';
import { type DType, formatSpec, type Spec, sizeOf, type TypedArray } from './spec.js';

/**
 * Checks what a run is given against what its graph, or several steps of it, take.
 *
 * @returns the size that the symbolic batch dimension has in these inputs; 1 if there is none.
 * @throws `argument` for missing or unknown names, `dtype` and `shape` for values that are not what the graph takes.
 */
export function checkInputs(
  graph: { readonly inputs: ReadonlyMap<string, Spec> },
  inputs: ReadonlyMap<string, Value>,
): number {
  const missing = [...graph.inputs.keys()].filter((name) => !inputs.has(name));
  const unknown = [...inputs.keys()].filter((name) => !graph.inputs.has(name));
  if (missing.length + unknown.length > 0) {
    const wrong = [...missing.map((name) => `'${name}' is missing`), ...unknown.map((name) => `'${name}' is unknown`)];
    const taken = [...graph.inputs.keys()].join(', ');
    throw new BnError('argument', `run: input ${wrong.join(', ')}; the graph takes ${taken}`);
  }
  let batch: number | undefined;
  for (const [name, { dtype, shape }] of graph.inputs) {
    const got = inputs.get(name)!.spec;
    if (got.dtype !== dtype) throw mismatch('dtype', name, { dtype, shape }, got);
    if (got.shape.length !== shape.length) throw mismatch('shape', name, { dtype, shape }, got);
    for (const [axis, n] of shape.entries()) {
      const size = got.shape[axis]!;
      if (size !== (n ?? batch ?? size)) throw mismatch('shape', name, { dtype, shape }, got);
      if (n === null) batch = size;
    }
  }
  return batch ?? 1;
}

function mismatch(code: 'shape' | 'dtype', name: string, expected: Spec, got: Spec): BnError {
  const rule = expected.shape.includes(null) ? '; batch is one size in all inputs' : '';
  return new BnError(code, `run: input '${name}' must be ${formatSpec(expected)}, got ${formatSpec(got)}${rule}`);
}

const arrayTypes: Readonly<Record<DType, readonly string[]>> = {
  float32: ['Float32Array', 'Float64Array'],
  int32: ['Int32Array'],
  uint8: ['Uint8Array'],
  bool: ['Uint8Array'],
};

/** Checks data for an upload; throws `shape` for a wrong size, `dtype` for another kind of array. */
export function checkUpload(data: TypedArray, spec: Spec): void {
  const size = sizeOf(spec.shape);
  if (data.length !== size) {
    throw new BnError('shape', `upload: ${formatSpec(spec)} holds ${size} values, got ${data.length}; pass as many`);
  }
  if (!arrayTypes[spec.dtype].includes(data.constructor.name)) {
    throw new BnError(
      'dtype',
      `upload: ${formatSpec(spec)} cannot be made from ${data.constructor.name}; convert it first`,
    );
  }
}
