// Random graphs and training steps against the reference backend, with passes left out, and on several threads.

import { type Backend, createGraph, gradients, input, ops, type TypedArray, type Value } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { createBackend, type WasmBackendOptions } from '@bn/wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Case, randomGraph, randomTraining } from './random-graphs.js';

const variants: Readonly<Record<string, WasmBackendOptions>> = {
  'all passes, one thread': { threads: 1 },
  'two threads': { threads: 2 },
  'three threads': { threads: 3 },
  'without relaxed SIMD': { threads: 1, exact: true },
  'without lanes': { threads: 2, passes: { lanes: false } },
  'without factored products': { threads: 1, passes: { factors: false } },
  'without padded copies': { threads: 1, passes: { pad: false } },
  'without splitting sums': { threads: 1, passes: { split: false } },
  'without Winograd transforms': { threads: 1, passes: { winograd: false } },
  'without partial sums': { threads: 1, passes: { parts: false } },
  'without merging nests': { threads: 1, passes: { merge: false } },
  'without tiles': { threads: 1, passes: { tiles: false } },
  'without reuse of memory': { threads: 1, passes: { reuse: false } },
};

const backends = new Map<string, Backend>();
let reference: Backend;
beforeAll(async () => {
  reference = await createReference({ precision: 64 });
  for (const [name, options] of Object.entries(variants)) backends.set(name, await createBackend(options));
});
afterAll(() => Promise.all([...backends.values()].map((backend) => backend.dispose())));

async function run(backend: Backend, { graph, inputs }: Case): Promise<Map<string, TypedArray>> {
  const executable = await backend.compile(graph);
  const values = new Map<string, Value>();
  for (const [name, { shape, dtype }] of graph.inputs) {
    values.set(name, backend.upload(inputs.get(name)!, { shape, dtype }));
  }
  const outputs = await executable.run(values);
  const results = new Map<string, TypedArray>();
  for (const [name, value] of outputs) results.set(name, await backend.download(value));
  for (const value of [...values.values(), ...outputs.values()]) backend.release(value);
  await executable.dispose();
  return results;
}

/** Largest difference, relative to the largest magnitude of the expected values (or 0.001, for what is zero but for rounding). */
function difference(actual: TypedArray, expected: TypedArray): number {
  let [error, scale] = [0, 1e-3];
  expected.forEach((v, i) => {
    scale = Math.max(scale, Math.abs(v));
    error = Math.max(error, Number.isFinite(v) ? Math.abs(actual[i] - v) : Object.is(actual[i], v) ? 0 : Infinity);
  });
  return Number.isNaN(error) ? Infinity : error / scale;
}

async function compare(name: string, made: Case, tolerance: number): Promise<void> {
  const expected = await run(reference, made);
  let first: Map<string, TypedArray> | null = null;
  for (const [variant, backend] of backends) {
    const actual = await run(backend, made);
    for (const [output, values] of expected) {
      expect(difference(actual.get(output)!, values), `${name}, ${variant}: ${output}`).toBeLessThan(tolerance);
    }
    if (!first) first = actual;
    else if (variant.includes('threads')) expect(actual, `${name}: ${variant} against one`).toEqual(first);
    expect(backend.liveValues).toBe(0);
  }
}

describe('random graphs', () => {
  test.each(Array.from({ length: 36 }, (_, i) => i))('%i', async (seed) => {
    await compare(`graph ${seed}`, randomGraph(seed), 2e-4);
  });
});

describe('training steps of random networks', () => {
  test.each(Array.from({ length: 24 }, (_, i) => i))('%i', async (seed) => {
    await compare(`network ${seed}`, randomTraining(seed), 2e-3);
  });
});

test('gradients of a kernel larger than the image, for fewer images than lanes', async () => {
  const [x, first, second] = [input('x', [1, 2, 2, 2]), input('first', [1, 2, 1, 1]), input('second', [1, 1, 3, 3])];
  const y = ops.conv2d(ops.conv2d(x, first), second, { padding: [1, 1, 1, 1] });
  const [dx, dFirst, dSecond] = gradients(ops.sum(ops.mul(y, y)), [x, first, second]);
  const inputs = [x, first, second].map(({ shape }, n) => {
    const size = shape.reduce<number>((product, extent) => product * extent!, 1);
    return [['x', 'first', 'second'][n]!, Float32Array.from({ length: size }, (_, i) => Math.sin(3 * n + i))] as const;
  });
  await compare('small', { graph: createGraph({ dx, dFirst, dSecond }), inputs: new Map(inputs) }, 1e-5);
});
