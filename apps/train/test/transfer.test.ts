// Networks from before, trained for other classes: new heads, frozen layers, two phases.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeSafetensors, type HostTensor } from '@bn/core';
import { importOnnx } from '@bn/onnx';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { smallFlags, train, writeIdx, writeRun } from './small-run.js';

const flags = [...smallFlags, '--epochs', '1'];
const file = fileURLToPath(new URL('../../../packages/onnx/test/data/torch-cnn.onnx', import.meta.url));

/** With a run of three classes in it, and data of five. */
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bn-transfer-'));
  writeRun(folder);
  await train(folder, [...flags, '--out', 'first']);
  writeIdx(join(folder, 'five'), { train: 60, t10k: 30 }, { classes: 5 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const valuesOf = (run: string) => decodeSafetensors(readFileSync(join(folder, run, 'checkpoint.safetensors'))).tensors;
const changedIn = (before: ReadonlyMap<string, HostTensor>, after: ReadonlyMap<string, HostTensor>) =>
  [...after].filter(([path, { data }]) => `${before.get(path)?.data}` !== `${data}`).map(([path]) => path);

const transfer = [...flags, '--data', 'five', '--weights', 'first/checkpoint.safetensors', '--new-head'];

test('the weights of a run go on with a new head for other classes, the rest as it was', async () => {
  const { code, stderr, stdout } = await train(folder, [...transfer, '--freeze', 'backbone', '--out', 'second']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/training 365 of 389 parameters\n/);
  expect(changedIn(valuesOf('first'), valuesOf('second'))).toEqual(['out.weight', 'out.bias']);
  expect(valuesOf('second').get('out.bias')!.shape).toEqual([5]);
  expect(await train(folder, ['export', 'second'])).toMatchObject({ code: 0 });
});

test('frozen batch normalization has its statistics computed once, or follows batches, if that is wanted', async () => {
  const statistics = [...transfer, '--freeze', 'backbone', '--bn-imported'];
  await train(folder, [...statistics, 'recalibrated', '--out', 'third']);
  const changed = ['bn.runningMean', 'bn.runningVariance', 'out.bias', 'out.weight'];
  expect(changedIn(valuesOf('first'), valuesOf('third')).sort()).toEqual(changed);
  const fourth = await train(folder, [...statistics, 'trained', '--batch-size', '8', '--out', 'fourth']);
  expect(fourth.stdout).toMatch('the statistics of 8 images at a time');
  expect(changedIn(valuesOf('third'), valuesOf('fourth')).sort()).toEqual(changed);
});

test('a run in two phases goes on to the last bit where the second begins', async () => {
  const phases = [...transfer, '--freeze', 'conv,bn*', '--unfreeze-after', '1', '--optimizer', 'adam'];
  await train(folder, [...phases, '--epochs', '2', '--out', 'whole']);
  const half = await train(folder, [...phases, '--out', 'half']);
  expect(half.stdout).toMatch(/^training .* parameters; --unfreeze-after 1 is not before the last epoch, 1$/m);
  expect(await train(folder, ['--resume', 'half', '--epochs', '2'])).toMatchObject({ code: 0 });
  expect(valuesOf('half')).toEqual(valuesOf('whole'));
  expect(valuesOf('whole').get('conv.weight')).not.toEqual(valuesOf('first').get('conv.weight'));
});

test('a model from an .onnx file gets a new head, and keeps the rest', async () => {
  writeIdx(join(folder, 'large'), { train: 60, t10k: 30 }, { side: 14, classes: 5 });
  const given = ['--data', 'large', '--model', file, '--new-head', '--freeze', 'backbone', '--out', 'run'];
  const { code, stderr } = await train(folder, [...flags, ...given]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { values } = importOnnx(readFileSync(file));
  const after = valuesOf('run');
  const changed = [...values].filter(([path, { data }]) => `${after.get(path)?.data}` !== `${data}`);
  expect(changed.map(([path]) => path)).toHaveLength(2);
  expect(changed.every(([path]) => after.get(path)!.shape[0] === 5)).toBe(true);
});

test.each<[flags: string[], message: string]>([
  [[...transfer, '--freeze', 'layer9'], "'layer9' names nothing in the network; its layers are conv, bn, out"],
  [[...transfer, '--freeze', '*'], 'nothing is left to be trained'],
  [transfer.slice(0, -1), 'or train a new last layer for those of the data, with --new-head'],
  [[...transfer, '--unfreeze-after', '3'], 'it is for layers that --freeze names'],
  [[...flags, '--model', 'lenet', '--freeze', 'backbone'], 'lenet starts from random weights without --weights'],
])('%j is told in words', async (given, message) => {
  const { code, stderr } = await train(folder, given);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(message);
});
