// Checks that every backend makes, so that all answer misuse with the same words.

import type { Value } from './backend.js';
import { BnError } from './errors.js';
import { type DType, formatSpec, type Spec, sizeOf, staticShape, type TypedArray } from './spec.js';

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
  let agree = graph.inputs.size === inputs.size;
  for (const name of graph.inputs.keys()) agree &&= inputs.has(name);
  if (!agree) throw otherNames(graph.inputs, inputs);
  let batch: number | undefined;
  for (const [name, { dtype, shape }] of graph.inputs) {
    const got = inputs.get(name)!.spec;
    if (got.dtype !== dtype) throw mismatch('dtype', name, { dtype, shape }, got);
    if (got.shape.length !== shape.length) throw mismatch('shape', name, { dtype, shape }, got);
    for (let axis = 0; axis < shape.length; axis++) {
      const [n, size] = [shape[axis]!, got.shape[axis]!];
      if (size !== (n ?? batch ?? size)) throw mismatch('shape', name, { dtype, shape }, got);
      if (n === null) batch = size;
    }
  }
  return batch ?? 1;
}

function otherNames(taken: ReadonlyMap<string, Spec>, given: ReadonlyMap<string, Value>): BnError {
  const missing = [...taken.keys()].filter((name) => !given.has(name)).map((name) => `'${name}' is missing`);
  const unknown = [...given.keys()].filter((name) => !taken.has(name)).map((name) => `'${name}' is unknown`);
  const names = [...taken.keys()].join(', ');
  return new BnError('argument', `run: input ${[...missing, ...unknown].join(', ')}; the graph takes ${names}`);
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
  const size = sizeOf(staticShape(spec.shape, 'upload'));
  if (data.length !== size) {
    throw new BnError('shape', `upload: ${formatSpec(spec)} holds ${size} values, got ${data.length}; pass as many`);
  }
  // Not the constructor's name: Node's Buffer is a Uint8Array too.
  const kind = data[Symbol.toStringTag];
  if (!arrayTypes[spec.dtype].includes(kind)) {
    throw new BnError('dtype', `upload: ${formatSpec(spec)} cannot be made from ${kind}; convert it first`);
  }
}
