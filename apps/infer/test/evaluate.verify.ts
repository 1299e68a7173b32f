// A training run, its export and its evaluation, as three programs: the same accuracy on all backends.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'bn-evaluate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The last line of JSON that a built program prints. */
async function lastLine(app: 'train' | 'infer', args: readonly string[]): Promise<unknown> {
  const program = fileURLToPath(new URL(`../../${app}/dist/index.js`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args, '--json'], { cwd: folder });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
}

let printed: number;

beforeAll(async () => {
  const flags = ['--limit', '6000', '--epochs', '2', '--out', 'run', '--export', 'model.onnx'];
  const { summary } = (await lastLine('train', flags)) as { summary: { test: { metrics: { accuracy: number } } } };
  printed = summary.test.metrics.accuracy;
  expect(printed).toBeGreaterThan(0.3);
});

test.each(['onnxruntime-cuda', 'wasm', 'tfjs-cuda', 'reference'])(
  '%s gives the accuracy that the trainer printed, on all 10,000 test images',
  async (backend) => {
    const args = ['evaluate', 'model.onnx', '--data', 'fashion-mnist', '--backend', backend, '--device', 'cpu'];
    expect(await lastLine('infer', args)).toMatchObject({ examples: 10_000, accuracy: printed });
  },
);
