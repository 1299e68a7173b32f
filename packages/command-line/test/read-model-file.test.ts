// Weights beside a model are read; from elsewhere nothing is.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createGraph, input, ops } from '@bn/core';
import { importInference, toOnnx } from '@bn/onnx';
import { afterAll, expect, test } from 'vitest';
import { splitModel } from '../../onnx/test/external-model.js';
import { readModelFile } from '../src/index.js';

const root = mkdtempSync(join(tmpdir(), 'bn-model-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const w = { shape: [4], data: Float32Array.of(1, 2, 3, 4) };
const bytes = toOnnx(createGraph({ y: ops.mul(input('x', [null, 4]), input('w', [4])) }), {
  initializers: new Map([['w', w]]),
});

/** A folder with `model.onnx`, whose weights are said to be at `location`, and where they are. */
function folderOf(name: string, location: string, place: string | null = location): string {
  const folder = join(root, name);
  mkdirSync(folder);
  const { model, data } = splitModel(bytes, location);
  writeFileSync(join(folder, 'model.onnx'), model);
  if (place !== null) {
    mkdirSync(dirname(resolve(folder, place)), { recursive: true });
    writeFileSync(resolve(folder, place), data);
  }
  return folder;
}

test.each(['model.onnx.data', 'weights/all.bin', '..data'])('%s is read', async (location) => {
  const folder = folderOf(`with ${location.replace('/', ' ')}`, location);
  const { graph } = importInference(await readModelFile(join(folder, 'model.onnx')));
  const constants = graph.nodes.filter(({ op }) => op === 'constant');
  expect(constants.map(({ attributes }) => (attributes as { data: Float32Array }).data)).toEqual([w.data]);
});

test.each([
  ['in the folder above', '../secret'],
  ['by way of a folder', 'a/../../secret'],
  ['by an absolute path', join(root, 'secret')],
  ['in the folder itself', '.'],
  ['nowhere', ''],
])('weights %s are not read', async (what, location) => {
  writeFileSync(join(root, 'secret'), new Uint8Array(16));
  const folder = folderOf(what, location, null);
  await expect(readModelFile(join(folder, 'model.onnx'))).rejects.toMatchObject({
    code: 'data',
    message: expect.stringMatching(/model\.onnx: .*outside of its folder; put them beside/),
  });
});

test.skipIf(process.platform === 'win32')('a link that leads out of the folder is not followed', async () => {
  writeFileSync(join(root, 'secret'), new Uint8Array(16));
  const folder = folderOf('link', 'model.onnx.data', null);
  symlinkSync(join(root, 'secret'), join(folder, 'model.onnx.data'));
  await expect(readModelFile(join(folder, 'model.onnx'))).rejects.toMatchObject({ code: 'data' });
});

test('what is missing is named', async () => {
  const folder = folderOf('missing', 'model.onnx.data', null);
  await expect(readModelFile(join(folder, 'model.onnx'))).rejects.toMatchObject({
    code: 'file',
    message: expect.stringContaining(
      "weights are in 'model.onnx.data', which is not beside it; put both files into one",
    ),
  });
  await expect(readModelFile(join(folder, 'other.onnx'))).rejects.toThrow('there is no such file; give an .onnx file');
});

test('weights of more than can be read at once are refused with their file', async () => {
  const folder = folderOf('large', 'model.onnx.data', null);
  const weights = join(folder, 'model.onnx.data');
  writeFileSync(weights, '');
  // A hole: it takes no space on the disk.
  truncateSync(weights, 3 * 2 ** 30);
  await expect(readModelFile(join(folder, 'model.onnx'))).rejects.toMatchObject({
    code: 'file',
    message: expect.stringContaining('model.onnx.data: this is larger than 2 GiB, the most that is read at once'),
  });
});
