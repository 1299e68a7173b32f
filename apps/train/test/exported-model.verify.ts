// One exported file, imported, on every backend: the classes and probabilities that ONNX Runtime computes from it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { classification, createTrainer, sgd } from '@bn/core';
import { fashionMnist } from '@bn/fashion-mnist';
import { importNetwork, readMetadata } from '@bn/onnx';
import { createBackend as createOnnxRuntime, openModel } from '@bn/onnxruntime-cuda';
import { createBackend as createReference } from '@bn/reference';
import { createBackend as createTensorflow } from '@bn/tfjs-cuda';
import { createBackend as createWasm } from '@bn/wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bn-exported-'));
const train = (...args: readonly string[]) =>
  execFileSync(process.execPath, [program, ...args], { cwd: folder, stdio: 'pipe' });
const classes = 10;
const pixels = 28 * 28;

let images: Uint8Array;
let labels: number[];

beforeAll(async () => {
  train('--limit', '5000', '--epochs', '2', '--learning-rate', '0.5', '--out', 'run', '--export', 'plain.onnx');
  train('export', 'run', '--fold', '--out', 'folded.onnx');
  const { test: data } = await fashionMnist();
  images = new Uint8Array(data.length * pixels);
  labels = Array.from({ length: data.length }, (_, i) => {
    const { features, label } = data.get(i);
    images.set(features, i * pixels);
    return label as number;
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `compute` for so many images at a time, as a runtime with little memory takes them. */
async function inBatches(count: number, compute: (batch: Uint8Array) => Promise<ArrayLike<number>>): Promise<number[]> {
  const results: number[] = [];
  for (let start = 0; start < count; start += 500) {
    results.push(...Array.from(await compute(images.subarray(start * pixels, Math.min(start + 500, count) * pixels))));
  }
  return results;
}

/** The most probable class of each image. */
function predictedClasses(probabilities: readonly number[]): number[] {
  return Array.from({ length: probabilities.length / classes }, (_, i) => {
    const row = probabilities.slice(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}

const accuracyOf = (predicted: readonly number[]) =>
  predicted.filter((label, i) => label === labels[i]).length / predicted.length;

describe.each(['plain.onnx', 'folded.onnx'])('%s', (name) => {
  let bytes: Uint8Array;
  let expected: number[];

  beforeAll(async () => {
    bytes = new Uint8Array(readFileSync(join(folder, name)));
    const runtime = await openModel(bytes);
    expected = await inBatches(labels.length, async (data) => {
      const spec = { shape: [data.length / pixels, 1, 28, 28], dtype: 'uint8' } as const;
      return (await runtime.run({ features: { data, spec } })).probabilities!.data;
    });
    await runtime.dispose();
  });

  test('has the accuracy that it says it has', () => {
    const accuracy = accuracyOf(predictedClasses(expected));
    expect(accuracy.toFixed(4)).toBe(readMetadata(bytes).testAccuracy);
    expect(accuracy).toBeGreaterThan(0.5);
  });

  test.for([
    ['onnxruntime-cuda', createOnnxRuntime, 10_000],
    ['tfjs-cuda', createTensorflow, 10_000],
    ['wasm', createWasm, 10_000],
    ['reference', createReference, 500],
  ] as const)('%s', async ([, createBackend, count]) => {
    const { model } = importNetwork(bytes, { output: 'probabilities' });
    const backend = await createBackend({ device: 'cpu' });
    const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd() });
    const probabilities = await inBatches(count, (batch) => trainer.predict(batch));
    await trainer.dispose();
    await backend.dispose();
    expect(probabilities).toHaveLength(count * classes);
    const largestError = probabilities.reduce((error, p, i) => Math.max(error, Math.abs(p - expected[i]!)), 0);
    expect(largestError).toBeLessThan(1e-4);
    expect(predictedClasses(probabilities)).toEqual(predictedClasses(expected.slice(0, count * classes)));
  });
});
