// What `--backend auto` takes.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openBackend, UsageError } from '../src/index.js';

/** A working folder with packages of its own in place of ours, each a `createBackend`. */
function folderWith(backends: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'bn-open-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, createBackend] of Object.entries(backends)) {
    const at = join(folder, 'node_modules', '@bn', name);
    mkdirSync(at, { recursive: true });
    writeFileSync(
      join(at, 'package.json'),
      JSON.stringify({ name: `@bn/${name}`, type: 'module', exports: './main.js' }),
    );
    writeFileSync(join(at, 'main.js'), `export const createBackend = async (options) => { ${createBackend} };`);
  }
  return folder;
}

/** Computes on whatever it is asked for. */
const computes = (name: string) => `return { name: '${name}', device: { kind: options.device, description: '' } };`;
const absent = (what: string) =>
  `throw Object.assign(new Error(options.device + ': ${what} is missing; install ${what}'), { code: 'backend' });`;

test('auto is the first of the CUDA backends that computes on CUDA', async () => {
  const both = folderWith({ 'onnxruntime-cuda': computes('o'), 'tfjs-cuda': computes('t') });
  expect(await openBackend('auto', both, { threads: 3 })).toMatchObject({
    name: 'onnxruntime-cuda',
    backend: { device: { kind: 'cuda' } },
  });
  const second = folderWith({ 'onnxruntime-cuda': absent('a driver'), 'tfjs-cuda': computes('t') });
  expect(await openBackend('auto', second, {})).toMatchObject({ name: 'tfjs-cuda' });
});

test('auto without CUDA is wasm, and says why', async () => {
  const folder = folderWith({
    'onnxruntime-cuda': absent('a driver'),
    'tfjs-cuda': absent('libtensorflow (1.0)'),
    wasm: computes('w'),
  });
  const { backend, ...choice } = await openBackend('auto', folder, {});
  expect(backend.device.kind).toBe('cpu');
  expect(choice).toEqual({ name: 'wasm', reason: 'no CUDA: a driver is missing; libtensorflow' });
  // Nobody asked for CUDA.
  expect(await openBackend('auto', folder, { device: 'cpu' })).not.toHaveProperty('reason');
});

test('auto on a device that cannot be had is an error with causes and cures', async () => {
  const folder = folderWith({ 'onnxruntime-cuda': absent('a driver'), 'tfjs-cuda': absent('libtensorflow') });
  await expect(openBackend('auto', folder, { device: 'cuda' })).rejects.toThrow(
    /^cuda: a driver is missing; install a driver\ncuda: libtensorflow is missing; install libtensorflow$/,
  );
  await expect(openBackend('auto', folder, { device: 'webgpu' })).rejects.toThrow(/^webgpu: a driver is missing/);
});

test('auto in the mode that has the same bits on all machines is wasm, on machines with CUDA too', async () => {
  const folder = folderWith({
    'onnxruntime-cuda': computes('o'),
    wasm: "return { name: 'wasm', device: { kind: 'cpu', description: 'exact: ' + options.exact } };",
  });
  const { name, backend } = await openBackend('auto', folder, { exact: true });
  expect({ name, description: backend.device.description }).toEqual({ name: 'wasm', description: 'exact: true' });
  await expect(openBackend('onnxruntime-cuda', folder, { exact: true })).rejects.toThrow(
    expect.objectContaining({
      name: 'UsageError',
      message: '--exact: onnxruntime-cuda has no such mode, only wasm has; leave it out, or give --backend wasm',
    }),
  );
});

test('auto does not hide that a backend is broken', async () => {
  const folder = folderWith({ 'onnxruntime-cuda': "throw new TypeError('a mistake in it')" });
  await expect(openBackend('auto', folder, {})).rejects.toThrow('a mistake in it');
});

test('an engine needs a named backend', async () => {
  await expect(openBackend('auto', process.cwd(), { engine: 'wasm' })).rejects.toThrow(UsageError);
});

test('a named backend is that one, with the reason for its device', async () => {
  const folder = folderWith({ mine: "return { name: 'mine', device: { kind: 'cpu', reason: 'no GPU' } };" });
  expect(await openBackend('mine', folder, {})).toMatchObject({ name: 'mine', reason: 'no GPU' });
});
