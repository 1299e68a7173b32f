// Data to evaluate on, the part of it that training does not see, where that can be known; and data known before.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Dataset } from '@bn/core';
import { expect, onTestFinished, test } from 'vitest';
import { countPhotographs, loadData, loadTestData, outlineOf } from '../src/index.js';

/** A CSV of 40 images of one pixel, each another. */
function csvFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bn-command-line-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const rows = Array.from({ length: 40 }, (_, i) => `${i % 3},${i}\n`);
  writeFileSync(join(folder, 'a.csv'), `label,pixel1\n${rows.join('')}`);
  return join(folder, 'a.csv');
}

const pixelsOf = (dataset: Dataset) => Array.from({ length: dataset.length }, (_, i) => dataset.get(i).features[0]);

test('without a test part it is all of the data, or what training with a seed holds out', async () => {
  const data = csvFile();
  const all = await loadTestData({ data, heldOutBy: null }, [1, 1, 1]);
  expect({ part: all.part, pixels: pixelsOf(all.dataset) }).toEqual({
    part: 'all of it',
    pixels: Array.from({ length: 40 }, (_, i) => i),
  });
  const trained = await loadData({ data, testData: null, limit: 10, seed: 5 }, null);
  const heldOut = await loadTestData({ data, heldOutBy: 5 }, [1, 1, 1]);
  expect(heldOut.part).toBe('held out by seed 5');
  expect(pixelsOf(heldOut.dataset)).toEqual(pixelsOf(trained.test));
  expect(pixelsOf(heldOut.dataset)).not.toEqual(
    pixelsOf((await loadTestData({ data, heldOutBy: 6 }, [1, 1, 1])).dataset),
  );
});

test('what describes data names it without the folders that it lies in', async () => {
  const { description } = await loadData({ data: csvFile(), testData: null, limit: null, seed: 5 }, null);
  expect(description).toBe(
    'a.csv, 36 training and 4 test examples of 1×1 grey (held out by seed 5: the data has no test part)',
  );
});

test('validation data is part of neither training nor test data, and what is tested stays the same', async () => {
  const data = csvFile();
  const plain = await loadData({ data, testData: null, limit: null, seed: 5 }, null);
  const { train, validation, test, description } = await loadData(
    { data, testData: null, limit: null, seed: 5, validation: true },
    null,
  );
  expect(description).toBe(
    'a.csv, 32 training, 4 validation and 4 test examples of 1×1 grey (validation and test held out by seed 5)',
  );
  expect(pixelsOf(test)).toEqual(pixelsOf(plain.test));
  const all = [train, validation!, test].flatMap(pixelsOf);
  expect(all.sort((a, b) => a! - b!)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  expect(plain.validation).toBeNull();
});

test('validation data is the data’s own val part, unless that is tested on, and never data that is named as test data', async () => {
  const files = Object.fromEntries(
    ['train/a/1', 'train/a/2', 'train/b/3', 'train/b/4', 'val/b/5', 'test/a/6', 'mine/b/7'].map((name) => {
      return [`${name}.bmp`, image(8, [Number(name.at(-1)), 0, 0])];
    }),
  );
  const data = folderOf(files);
  const load = (options: object) =>
    loadData({ data, testData: null, limit: null, seed: 0, validation: true, ...options }, null);
  const parts = async (options: object) => {
    const { train, validation, test, description } = await load(options);
    return { parts: [train, validation!, test].map((part) => pixelsOf(part).sort()), description };
  };
  expect(await parts({})).toMatchObject({ parts: [[1, 2, 3, 4], [5], [6]] });
  expect((await parts({})).description).not.toContain('held out');
  rmSync(join(data, 'test'), { recursive: true });
  const tested = await parts({});
  expect(tested.parts[2]).toEqual([5]);
  expect([...tested.parts[0]!, ...tested.parts[1]!].sort()).toEqual([1, 2, 3, 4]);
  expect(tested.description).toMatch(
    /3 training, 1 validation and 1 test .*\(validation held out by seed 0\) \(test part: val\)/,
  );
  expect(await parts({ testData: join(data, 'mine') })).toMatchObject({ parts: [[1, 2, 3, 4], [5], [7]] });
});

test('with a test part it is that', async () => {
  const { dataset, part } = await loadTestData({ data: 'fashion-mnist', heldOutBy: null }, [1, 28, 28]);
  expect({ part, length: dataset.length }).toEqual({ part: 'test part', length: 10_000 });
  await expect(loadTestData({ data: 'fashion-mnist', heldOutBy: 0 }, [1, 28, 28])).rejects.toThrow('has no effect');
});

test('the outline of known data is that of what will be loaded', async () => {
  const options = { data: 'fashion-mnist', testData: null, limit: 300, seed: 0 };
  const { train, outputs, names } = await loadData(options, null);
  expect({ train, outputs, names }).toMatchObject((await outlineOf(options))!);
  expect(await outlineOf({ ...options, limit: null })).toMatchObject({ train: { length: 60_000 } });
  const validated = { ...options, limit: null, validation: true };
  const { length } = (await loadData(validated, null)).train;
  expect(await outlineOf(validated)).toMatchObject({ train: { length } });
  expect(await outlineOf({ ...options, data: csvFile() })).toBeNull();
});

/** Makes these files and the folders they are in. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'bn-command-line-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** A BMP of one colour, with sides of a multiple of 4. */
function image(side: number, [red, green, blue]: readonly [number, number, number]): Uint8Array {
  const header = Buffer.alloc(54);
  header.write('BM');
  header.writeUInt32LE(54, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(side, 18);
  header.writeInt32LE(side, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  return Buffer.concat([header, ...Array(side * side).fill(Uint8Array.of(blue, green, red))]);
}

const grey = (value: number) => image(4, [value, value, value]);
const options = { testData: null, limit: null, seed: 1 };
const classesOf = (dataset: Dataset) =>
  Array.from({ length: dataset.length }, (_, i) => dataset.classNames?.[dataset.get(i).label as number]);

test('photographs stay in colour, at 64 by 64, and what was loaded is said', async () => {
  const data = folderOf({
    // What Apple's archives bring along is no class, nor is it another folder beside the parts.
    'photos/__MACOSX/train/cat/._1.bmp': 'none',
    'photos/train/__MACOSX/cat/._1.bmp': 'none',
    'photos/train/cat/1.bmp': image(100, [9, 9, 9]),
    'photos/train/cat/2.bmp': 'none',
    'photos/train/dog/1.bmp': image(80, [1, 2, 3]),
    'photos/val/dog/1.bmp': image(8, [4, 4, 4]),
  });
  const loaded = await loadData({ ...options, data: join(data, 'photos') }, null);
  expect(loaded.description).toBe('photos, 2 training and 1 test examples of 64×64 RGB (test part: val)');
  expect(loaded.skipped).toEqual([
    { file: join(data, 'photos', 'train', 'cat', '2.bmp'), reason: expect.stringContaining('expected a PNG') },
  ]);
  expect(loaded.test.features.shape).toEqual([3, 64, 64]);
  expect({ outputs: loaded.outputs, names: loaded.names }).toEqual({ outputs: 2, names: ['cat', 'dog'] });
  expect(classesOf(loaded.test)).toEqual(['dog']);
  const asked = { ...options, data: join(data, 'photos'), size: [2, 3] as const, channels: 1 as const };
  expect((await loadData(asked, [3, 8, 8])).description).toContain('of 2×3 grey');
  expect((await loadData({ ...asked, size: [5, 5] }, null)).description).toContain('of 5×5 grey');
  expect((await loadData({ ...options, data: join(data, 'photos') }, [3, 8, 8])).description).toContain('of 8×8 RGB');
  await expect(loadData({ ...asked, strict: true }, null)).rejects.toThrow('2.bmp: expected a PNG');
});

test('photographs are images in colour or of more than 32 by 32, grey ones too, as the network gets them', async () => {
  const data = folderOf({
    'small/a/1.bmp': image(32, [7, 7, 7]),
    'large/a/1.bmp': image(36, [7, 7, 7]),
    'colored/a/1.bmp': image(32, [1, 2, 3]),
    'damaged/a/1.bmp': 'none',
  });
  const own = { grey: false, side: null };
  const counted = async (asked: Parameters<typeof countPhotographs>[1]) =>
    Promise.all(['small', 'large', 'colored', 'damaged'].map((name) => countPhotographs(join(data, name), asked)));
  expect(await counted(own)).toEqual([null, 1, 1, null]);
  expect(await counted({ ...own, grey: true })).toEqual([null, 1, null, null]);
  expect(await counted({ grey: true, side: 28 })).toEqual([null, null, null, null]);
  expect(await counted({ grey: true, side: 64 })).toEqual([1, 1, 1, 1]);
  expect(await countPhotographs(join(data, 'nothing'), own)).toBeNull();
});

test('the test part is test/, and a validation part beside it is said to be unused', async () => {
  const parts = ['train', 'Validation', 'test'].map((part, i) => [`d/${part}/a/1.bmp`, grey(i + 2)] as const);
  const data = join(folderOf(Object.fromEntries(parts)), 'd');
  const { description, test: tested } = await loadData({ ...options, data }, null);
  expect(description).toBe('d, 1 training and 1 test examples of 4×4 grey (Validation is not used)');
  expect(pixelsOf(tested)).toEqual([4]);
  rmSync(join(data, 'test'), { recursive: true });
  rmSync(join(data, 'Validation'), { recursive: true });
  writeFileSync(join(data, 'train', 'a', '2.bmp'), grey(9));
  expect((await loadData({ ...options, data }, null)).names).toEqual(['a']);
});

test('examples get the shape of a network that takes them in a row, or without channels', async () => {
  const data = folderOf({ 'a/1.bmp': grey(1), 'a/2.bmp': grey(2), 'b/1.bmp': grey(3) });
  for (const shape of [[16], [4, 4], [1, 4, 4]]) {
    expect((await loadData({ ...options, data }, shape)).train.features.shape).toEqual(shape);
  }
  expect((await loadTestData({ data, heldOutBy: null }, [9])).dataset.features.shape).toEqual([9]);
});

test('classes of the test data are those of the training data, by name', async () => {
  const data = folderOf({ 'b/1.bmp': grey(1), 'a/1.bmp': grey(2), 'c/1.bmp': grey(3) });
  const testData = join(folderOf({ 't.csv': `label,p\nc,1\na,2\n` }), 't.csv');
  const { test: tested } = await loadData({ ...options, data, testData, size: [1, 1] }, null);
  expect(classesOf(tested)).toEqual(['c', 'a']);
  expect(tested.classNames).toEqual(['a', 'b', 'c']);
  writeFileSync(testData, 'label,p\nd,1\n');
  await expect(loadData({ ...options, data, testData, size: [1, 1] }, null)).rejects.toThrow(
    'the test data has the classes d, but the training data a, b, c; give both the same names',
  );
});

test('what is odd is told: pixels of 0 and 1, the transposed images of EMNIST', async () => {
  const data = join(folderOf({ 'dark.csv': 'label,p\n0,0\n1,1\n' }), 'dark.csv');
  expect((await loadData({ ...options, data }, null)).warnings).toEqual([
    expect.stringContaining('no pixel is above 1, but pixels are taken as 0 to 255'),
  ]);
  writeFileSync(data, 'label,p\n0,0\n1,2\n');
  expect((await loadData({ ...options, data }, null)).warnings).toEqual([]);
  const emnist = folderOf({
    'emnist-digits-train-images-idx3-ubyte': Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7, 8),
    'emnist-digits-train-labels-idx1-ubyte': Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 0, 1),
  });
  expect((await loadData({ ...options, data: emnist }, null)).warnings).toEqual([
    expect.stringContaining("EMNIST's images are stored column after column"),
  ]);
});

test('a size that is asked for is refused where pixels have one', async () => {
  const data = csvFile();
  await expect(loadData({ ...options, data, size: [2, 2] }, null)).rejects.toThrow(
    'do not fill an image of the shape [1, 2, 2]',
  );
  await expect(loadData({ ...options, data: 'fashion-mnist', size: [32, 32] }, null)).rejects.toThrow(
    '--image-size and --channels have no effect on fashion-mnist, which is 28×28 grey: only image files are resized',
  );
});

test('a table of image files with several values to predict', async () => {
  const lines = [1, 2, 3].map((i) => `${i}.bmp,${i / 2},${-i},x\n`).join('');
  const folder = folderOf({ 'l.csv': `image,a,b,c\n${lines}`, '1.bmp': grey(1), '2.bmp': grey(2), '3.bmp': grey(3) });
  const data = join(folder, 'l.csv');
  const loaded = await loadData({ ...options, data, task: 'regress', targets: ['a', 'b'] }, null);
  expect({ outputs: loaded.outputs, names: loaded.names }).toEqual({ outputs: 2, names: ['a', 'b'] });
  const [value] = pixelsOf(loaded.test) as [number];
  expect(loaded.test.get(0).label).toEqual(Float32Array.of(value / 2, -value));
});
