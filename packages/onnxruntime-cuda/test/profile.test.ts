// Backends created with `profile`: the same results, the profiler's times by layer, no files left over.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BackendOptions,
  batchNorm,
  classification,
  conv2d,
  defineModel,
  dense,
  flatten,
  sequential,
  sgd,
  sizeOf,
  type TypedArray,
  trainingStepGraph,
} from '@bn/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBackend } from '../src/index.js';

const layers = ['conv', 'bn', 'flatten', 'dense'];
const model = defineModel(
  sequential({ conv: conv2d(6, { kernelSize: 5 }), bn: batchNorm(), flatten: flatten(), dense: dense(10) }),
  { input: { shape: [null, 1, 12, 12], dtype: 'float32' } },
);
const graph = trainingStepGraph(model, classification(), sgd(), {
  features: { shape: [16, 1, 12, 12], dtype: 'float32' },
  labels: { shape: [16], dtype: 'int32' },
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bn-profile-test-'));
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) vi.stubEnv(name, folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

// ONNX Runtime has files of its own there.
const leftOver = () => readdirSync(folder).filter((name) => name.startsWith('bn-onnxruntime-'));

/** An executable of the step, and what runs of it on the same inputs give. */
async function prepare(options: BackendOptions) {
  const backend = await createBackend({ device: 'cpu', threads: 2, ...options });
  const executable = await backend.compile(graph);
  const inputs = [...graph.inputs].map(([name, { shape, dtype }]) => {
    const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7919) % 97) / 97);
    return [name, backend.upload(dtype === 'int32' ? Int32Array.from(data, (v) => v * 10) : data, { shape, dtype })];
  });
  const run = async () => {
    const results = new Map<string, TypedArray>();
    for (const [name, value] of await executable.run(new Map(inputs as never))) {
      results.set(name, await backend.download(value));
    }
    return results;
  };
  return { backend, executable, run };
}

test('results are the same; phases name every layer; runs at the start and after the report do not count', async () => {
  const plain = await prepare({});
  expect(plain.executable.report).toBeUndefined();
  const { backend, executable, run } = await prepare({ profile: { skippedRuns: 2 } });
  const expected = await plain.run();
  for (let i = 0; i < 5; i++) expect(await run()).toEqual(expected);
  const report = await executable.report!();
  await run();
  expect(await executable.report!()).toBe(report);

  const { runs, seconds, phases } = report;
  expect(runs).toBe(3);
  const sum = phases.reduce((total, phase) => total + phase.seconds, 0);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThanOrEqual(seconds);
  const named = new Set(
    phases.flatMap(({ origins }) => origins.map(({ layer, direction }) => `${layer} ${direction}`)),
  );
  const everywhere = layers.flatMap((layer) => [`${layer} forward`, `${layer} backward`]);
  expect(named).toEqual(new Set([...everywhere, ' forward', ' backward', 'conv update', 'bn update', 'dense update']));
  const operationsOf = (operation: string, layer: string) =>
    phases.find(({ name, origins }) => name.startsWith(`${operation} `) && origins[0]?.layer === layer)?.operations;
  // 16 images, 6 maps of 8 × 8 windows of 5 × 5 pixels; 384 inputs of 10 neurons.
  expect(operationsOf('conv2d', 'conv')).toBe(2 * 16 * 6 * 64 * 25);
  expect(operationsOf('conv2dFilterGradient', 'conv')).toBe(2 * 16 * 6 * 64 * 25);
  expect(operationsOf('matmul', 'dense')).toBe(2 * 16 * 384 * 10);
  await Promise.all([plain.backend.dispose(), backend.dispose()]);
  expect(leftOver()).toEqual([]);
});

test('a profile that nobody asked for leaves no file either', async () => {
  const { backend, run } = await prepare({ profile: { skippedRuns: 0 } });
  await run();
  await backend.dispose();
  expect(leftOver()).toEqual([]);
});
