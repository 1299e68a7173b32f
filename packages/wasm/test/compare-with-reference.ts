// A graph computed by the reference backend in float64 and by this one, with passes left out, and on several threads.

import type { Backend, TypedArray } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { createBackend, type WasmBackendOptions } from '@bn/wasm';
import { afterAll, beforeAll, expect } from 'vitest';
import { allPasses } from '../src/pipeline.js';
import type { Case } from './random-graphs.js';
import { runCase } from './run-case.js';

const variants: Readonly<Record<string, WasmBackendOptions>> = {
  'all passes, one thread': { threads: 1 },
  'two threads': { threads: 2 },
  'three threads': { threads: 3 },
  'without relaxed SIMD': { threads: 1, exact: true },
  // Each pass of the compiler left out once.
  ...Object.fromEntries(
    Object.keys(allPasses).map((pass) => [
      `without ${pass}`,
      { threads: pass === 'lanes' ? 2 : 1, passes: { [pass]: false } },
    ]),
  ),
};

const backends = new Map<string, Backend>();
let reference: Backend;
/** In float32: shows where differences of nearly equal numbers leave few digits to anyone. */
let single: Backend;
beforeAll(async () => {
  reference = await createReference({ precision: 64 });
  single = await createReference();
  for (const [name, options] of Object.entries(variants)) backends.set(name, await createBackend(options));
});
afterAll(() => Promise.all([...backends.values()].map((backend) => backend.dispose())));

/** Largest difference, relative to the largest magnitude of the expected values (or 0.001, for what is zero but for rounding). */
function difference(actual: TypedArray, expected: TypedArray): number {
  let [error, scale] = [0, 1e-3];
  expected.forEach((v, i) => {
    scale = Math.max(scale, Math.abs(v));
    error = Math.max(error, Number.isFinite(v) ? Math.abs(actual[i] - v) : Object.is(actual[i], v) ? 0 : Infinity);
  });
  return Number.isNaN(error) ? Infinity : error / scale;
}

export async function compare(name: string, made: Case, tolerance: number): Promise<void> {
  const expected = await runCase(reference, made);
  const rounded = await runCase(single, made);
  let first: Map<string, TypedArray> | null = null;
  for (const [variant, backend] of backends) {
    const actual = await runCase(backend, made);
    for (const [output, values] of expected) {
      const allowed = Math.max(tolerance, 10 * difference(rounded.get(output)!, values));
      expect(difference(actual.get(output)!, values), `${name}, ${variant}: ${output}`).toBeLessThan(allowed);
    }
    if (!first) first = actual;
    else if (variant.includes('threads')) expect(actual, `${name}: ${variant} against one`).toEqual(first);
    expect(backend.liveValues).toBe(0);
  }
}
