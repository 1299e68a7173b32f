import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadIdx } from '../src/index.js';
import { allOf } from './all-of.js';
import { temporaryFolder } from './temporary-folder.js';

function idx(shape: readonly number[], data: readonly number[]): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x800 + shape.length);
  for (const [i, n] of shape.entries()) header.writeUInt32BE(n, 4 + 4 * i);
  return Buffer.concat([header, Uint8Array.from(data)]);
}

const images = idx([2, 1, 2], [1, 2, 3, 4]);
const labels = idx([2], [1, 0]);

/** Loads `images` and `labels` from files of these contents. */
async function loadPair(parts: { images?: Uint8Array; labels?: Uint8Array }, classNames?: readonly string[]) {
  const folder = await temporaryFolder({ images, labels, ...parts });
  return loadIdx({ images: join(folder, 'images'), labels: join(folder, 'labels') }, classNames && { classNames });
}

async function messageOf(loading: Promise<unknown>): Promise<string> {
  const error = await loading.then(
    () => expect.fail('nothing was thrown'),
    (thrown) => thrown,
  );
  expect(error).toMatchObject({ name: 'BnError', code: 'data' });
  return error.message;
}

describe('loadIdx', () => {
  test('loads a pair of files; two-dimensional images get one channel', async () => {
    const dataset = await loadPair({}, ['left', 'right']);
    expect(dataset.features).toEqual({ shape: [1, 1, 2], dtype: 'uint8' });
    expect(dataset.classNames).toEqual(['left', 'right']);
    expect(allOf(dataset)).toEqual({ features: [1, 2, 3, 4], labels: [1, 0] });
  });

  test('loads gzip and plain files alike, whatever their names', async () => {
    const dataset = await loadPair({ images: gzipSync(images) });
    expect(allOf(dataset)).toEqual({ features: [1, 2, 3, 4], labels: [1, 0] });
  });

  test('finds the training and the test set in a folder', async () => {
    const folder = await temporaryFolder({
      'train-images-idx3-ubyte': images,
      'train-labels-idx1-ubyte.gz': gzipSync(labels),
      't10k-images.idx3-ubyte': idx([1, 1, 2], [7, 8]),
      't10k-labels.idx1-ubyte': idx([1], [1]),
    });
    const { train, test: testSet } = await loadIdx(folder);
    expect(allOf(train)).toEqual({ features: [1, 2, 3, 4], labels: [1, 0] });
    expect(testSet && allOf(testSet)).toEqual({ features: [7, 8], labels: [1] });
  });

  test.each([
    ['emnist-letters-train-images-idx3-ubyte', 'emnist-letters-test-labels-idx1-ubyte.gz'],
    ['train-images.idx3', 't10k-labels.idx1'],
    ['Kuzushiji_train_images_idx3-ubyte', 'Kuzushiji_test_labels_idx1-ubyte'],
  ])('finds names such as %s', async (trainImages, testLabels) => {
    const swap = (name: string, from: string) =>
      from === 'images'
        ? name.replace('images', 'labels').replace('idx3', 'idx1')
        : name.replace('labels', 'images').replace('idx1', 'idx3');
    const folder = await temporaryFolder({
      [trainImages]: images,
      [swap(trainImages, 'images')]: labels,
      [testLabels]: idx([1], [1]),
      [swap(testLabels, 'labels')]: idx([1, 1, 2], [7, 8]),
      'emnist-letters-mapping.txt': '1 65 97',
    });
    const { train, test: testSet } = await loadIdx(folder);
    expect([train.length, testSet?.length]).toEqual([2, 1]);
  });

  test('a folder needs no test set', async () => {
    const folder = await temporaryFolder({ 'train-images-idx3-ubyte': images, 'train-labels-idx1-ubyte': labels });
    expect(await loadIdx(folder)).not.toHaveProperty('test');
  });

  test('gives back any bytes in any shape, gzipped or not', async () => {
    const folder = await temporaryFolder();
    const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 5 });
    const cases = shapes.chain((shape) => {
      const size = shape.reduce((product, n) => product * n, 1);
      const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
      return fc.record({ shape: fc.constant(shape), pixels: bytes(size), labels: bytes(shape[0]), gzip: fc.boolean() });
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ shape, pixels, labels, gzip }) => {
        const pack = (file: Uint8Array) => (gzip ? gzipSync(file) : file);
        const [images, classes] = [join(folder, 'images'), join(folder, 'labels')];
        await writeFile(images, pack(idx(shape, [...pixels])));
        await writeFile(classes, pack(idx([shape[0]], [...labels])));
        const dataset = await loadIdx({ images, labels: classes });
        expect(dataset.features.shape).toEqual(shape.length === 3 ? [1, ...shape.slice(1)] : shape.slice(1));
        expect(allOf(dataset)).toEqual({ features: [...pixels], labels: [...labels] });
      }),
      { numRuns: 50 },
    );
  });
});

describe('loadIdx refuses', () => {
  test.each([
    ['an empty file', new Uint8Array(0), 'images: the file is empty; download or copy it again'],
    ['an empty file in gzip', gzipSync(''), 'images: the file is empty; download or copy it again'],
    ['another format', Buffer.from('label,pixel1'), 'byte 0: expected the magic number of IDX with unsigned bytes'],
    [
      'another element type',
      Buffer.from('00000d03', 'hex'),
      '(00 00 08 and the number of dimensions), got 00000d03; give',
    ],
    ['no dimensions', Buffer.from('00000800', 'hex'), 'got 00000800; give an IDX file of that type'],
    ['half a header', images.subarray(0, 9), 'byte 9: the file ends within its header of 16 bytes; download'],
    ['a file cut off', images.subarray(0, 18), 'byte 18: the file ends here, but its header [2, 1, 2] needs 20 bytes'],
    ['a file cut off within gzip', gzipSync(images.subarray(0, 18)), 'byte 18: the file ends here, but its header'],
    [
      'trailing bytes',
      Buffer.concat([images, labels]),
      'byte 20: the header [2, 1, 2] ends the data here, but more bytes',
    ],
    [
      'trailing bytes in gzip',
      gzipSync(Buffer.concat([images, labels])),
      'byte 20: the header [2, 1, 2] ends the data',
    ],
    ['no images', idx([0, 28, 28], []), 'byte 4: the shape [0, 28, 28] holds no data; give a file with at least one'],
    ['images of no height', idx([2, 0, 28], []), 'byte 8: the shape [2, 0, 28] holds no data'],
  ])('%s', async (_, file, message) => {
    expect(await messageOf(loadPair({ images: file }))).toContain(message);
  });

  test('damaged and cut off gzip', async () => {
    const packed = gzipSync(
      idx(
        [2, 100, 100],
        Array.from({ length: 20_000 }, (_, i) => (i * i) % 251),
      ),
    );
    const damaged = Uint8Array.from(packed);
    damaged[packed.length - 6] ^= 1; // within the checksum
    for (const file of [damaged, packed.subarray(0, packed.length - 20), packed.subarray(0, 100)]) {
      expect(await messageOf(loadPair({ images: file }))).toMatch(
        /images: the gzip data is damaged or cut off \(.+\); download or copy it again/,
      );
    }
  });

  test('a header that promises more memory than there is, and takes none', async () => {
    const huge = [0xffffffff, 0xffffffff, 0xffffffff];
    for (const file of [idx(huge, [1]), gzipSync(idx(huge, [1]))]) {
      expect(await messageOf(loadPair({ images: file }))).toContain('byte 17: the file ends here, but its header');
    }
  });

  test('a small gzip that unpacks into far more than its header says', async () => {
    const bomb = gzipSync(Buffer.concat([images, new Uint8Array(2 ** 26)]));
    expect(bomb.length).toBeLessThan(2 ** 17);
    expect(await messageOf(loadPair({ images: bomb }))).toContain('byte 20: the header [2, 1, 2] ends the data here');
  });

  test('images and labels that are swapped', async () => {
    expect(await messageOf(loadPair({ images: labels, labels: images }))).toMatch(
      /expected images \[count, height, width\] and labels \[count\], got \[2\] in .+ and \[2, 1, 2\] in .+; exchange/,
    );
  });

  test('images and labels that differ in number', async () => {
    expect(await messageOf(loadPair({ labels: idx([3], [0, 0, 0]) }))).toMatch(
      /images has 2 images, but .+labels has 3 labels \(byte 4: the count\); give files that belong together/,
    );
  });

  test('a label without a name', async () => {
    expect(await messageOf(loadPair({}, ['left']))).toContain(
      'labels: byte 8: label 0 is 1, but there are 1 class names, for 0 to 0; give a name for every class',
    );
  });

  test('a missing file and a missing folder', async () => {
    const folder = await temporaryFolder();
    const missing = { images: join(folder, 'images'), labels: join(folder, 'labels') };
    await expect(loadIdx(missing)).rejects.toMatchObject({
      code: 'file',
      message: expect.stringMatching(/(images|labels): no such file or folder; give the path of an IDX file$/),
    });
    await expect(loadIdx(join(folder, 'no'))).rejects.toMatchObject({
      code: 'file',
      message: `${join(folder, 'no')}: no such file or folder; give the path of a folder with IDX files`,
    });
    await expect(loadIdx({ images: folder, labels: folder })).rejects.toMatchObject({
      code: 'file',
      message: expect.stringContaining('cannot be read (EISDIR'),
    });
  });

  test('a folder with the files of several data sets', async () => {
    const folder = await temporaryFolder({
      'emnist-digits-train-images-idx3-ubyte': images,
      'emnist-letters-train-images-idx3-ubyte': images,
    });
    await expect(loadIdx(folder)).rejects.toMatchObject({
      code: 'data',
      message: `${folder}: expected the files of one data set, found those of emnist-digits, emnist-letters; move each into a folder of its own, or give the paths as { images, labels }`,
    });
  });

  test('a folder that lacks files of a data set with a name', async () => {
    const folder = await temporaryFolder({ 'emnist-letters-train-images-idx3-ubyte': images });
    await expect(loadIdx(folder)).rejects.toThrow('looked for emnist-letters-train-labels-idx1-ubyte and');
  });

  test('a folder that lacks files, with the names it looked for', async () => {
    const folder = await temporaryFolder({ 'train-images-idx3-ubyte': images, 't10k-images-idx3-ubyte': images });
    const message = (name: string) =>
      `${folder}: looked for ${name} and ${name}.gz and found neither; add the file, or give the paths as { images, labels }`;
    await expect(loadIdx(folder)).rejects.toMatchObject({ code: 'file', message: message('train-labels-idx1-ubyte') });
    await writeFile(join(folder, 'train-labels-idx1-ubyte'), labels);
    await expect(loadIdx(folder)).rejects.toMatchObject({ code: 'file', message: message('t10k-labels-idx1-ubyte') });
  });
});
