// exp, log, tanh, sigmoid and erf against double precision, over the whole range of floats.

import { createGraph, input, ops, type Tensor } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { createBackend } from '@bn/wasm';
import { expect, test } from 'vitest';

const edges = [0, -0, 1, -1, 88.7, -87.3, -103.9, 104, 1e-38, 1e-45, 1e-7, 3.4e38, Infinity, -Infinity, NaN];
/** Dense around 0 and 1, and every order of magnitude. */
const all = Float32Array.from([
  ...edges,
  ...Array.from({ length: 20_000 }, (_, i) => (i - 10_000) / 500),
  ...Array.from({ length: 20_000 }, (_, i) => (i % 2 === 0 ? 1 : -1) * 2 ** ((i - 10_000) / 80)),
  ...Array.from({ length: 10_000 }, (_, i) => 1 + (i - 5000) / 50_000),
]);

/** Relative bounds; below `least` in magnitude the error may be as large as there. */
const bounds: Readonly<Record<string, { f: (x: Tensor) => Tensor; relative: number; least: number }>> = {
  exp: { f: ops.exp, relative: 3e-7, least: 1e-38 },
  log: { f: ops.log, relative: 3e-7, least: 0.1 },
  tanh: { f: ops.tanh, relative: 6e-7, least: 1e-35 },
  sigmoid: { f: ops.sigmoid, relative: 4e-7, least: 1e-30 },
  erf: { f: ops.erf, relative: 6e-7, least: 1e-35 },
};

test.each(Object.keys(bounds))('%s', async (name) => {
  const { f, relative, least } = bounds[name];
  // The reference's series for erf does not end for NaN.
  const points = name === 'erf' ? all.filter((x) => !Number.isNaN(x)) : all;
  const spec = { shape: [points.length], dtype: 'float32' } as const;
  const graph = createGraph({ y: f(input('x', spec.shape)) });
  const [expected, fused, exact] = await Promise.all(
    [createReference({ precision: 64 }), createBackend({ threads: 1 }), createBackend({ threads: 1, exact: true })].map(
      async (made) => {
        const backend = await made;
        const executable = await backend.compile(graph);
        const outputs = await executable.run(new Map([['x', backend.upload(points, spec)]]));
        const result = await backend.download(outputs.get('y')!);
        await backend.dispose();
        return result;
      },
    ),
  );
  for (const actual of [fused, exact]) {
    const wrong = Array.from(points.keys()).filter((i) => {
      const wanted = Math.abs(expected[i]) > 3.4028235e38 ? Math.sign(expected[i]) * Infinity : expected[i];
      if (!Number.isFinite(wanted)) return !Object.is(actual[i], wanted);
      return !(Math.abs(actual[i] - wanted) <= relative * Math.max(Math.abs(wanted), least));
    });
    expect(wrong.slice(0, 5).map((i) => `${name}(${points[i]}) = ${expected[i]}, not ${actual[i]}`)).toEqual([]);
  }
});
