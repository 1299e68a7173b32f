// Where libtensorflow is looked for.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findNative } from '../src/native/find-native.js';
import { nativeFolder } from '../src/native-folder.js';

let root = '';
let folder = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bn-native-'));
  vi.stubEnv('BN_NATIVE_DIR', root);
  folder = nativeFolder();
  mkdirSync(folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

test('without the variable it is a folder in the cache', () => {
  vi.stubEnv('BN_NATIVE_DIR', '');
  vi.stubEnv('XDG_CACHE_HOME', root);
  vi.stubEnv('LOCALAPPDATA', root);
  expect(nativeFolder()).toMatch(/bn.tensorflow-2\.21\.0$/);
});

test('an empty folder has none', () => expect(findNative()).toBeUndefined());

test('a binding alone computes on the CPU', () => {
  const binding = join(folder, 'tfjs_binding.node');
  writeFileSync(binding, '');
  expect(findNative()).toEqual({ binding, cuda: false });
});

test("CUDA is inside with CUDA's libraries, or if the setup says so", () => {
  writeFileSync(join(folder, 'tfjs_binding.node'), '');
  mkdirSync(join(folder, 'nvidia'));
  expect(findNative()).toMatchObject({ cuda: true });
  writeFileSync(join(folder, 'setup.json'), '{ "variant": "cpu", "tensorflow": "2.21.0", "tfjs": "4.22.0" }');
  expect(findNative()).toMatchObject({ cuda: false });
  rmSync(join(folder, 'nvidia'), { recursive: true });
  writeFileSync(join(folder, 'setup.json'), '{ "variant": "cuda", "tensorflow": "2.21.0", "tfjs": "4.22.0" }');
  expect(findNative()).toMatchObject({ cuda: true });
});
