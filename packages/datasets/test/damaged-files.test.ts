// Files with bytes changed, left out and repeated: a data set or a BnError, and nothing else.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BnError, createGenerator, type Dataset } from '@bn/core';
import { expect, test } from 'vitest';
import { decodeIdx } from '../src/decode-idx.js';
import { loadCsv, loadIdx } from '../src/index.js';
import { temporaryFolder } from './temporary-folder.js';

const random = createGenerator(11);

function damaged(bytes: Uint8Array): Uint8Array {
  let result = bytes;
  for (let n = random.integer(3); n >= 0; n--) {
    const at = random.integer(result.length + 1);
    const [before, after] = [result.subarray(0, at), result.subarray(at)];
    const left = after.subarray(random.integer(4));
    // Changed, left out, cut off, or repeated.
    const ends = [[random.integer(256), ...left], left, [], [...before.subarray(-5), ...after]];
    result = Uint8Array.from([...before, ...ends[random.integer(ends.length)]]);
  }
  return result;
}

/** How many of so many damaged files are data sets after all, of which every example can be had. */
async function countTaken(files: number, load: () => Dataset | Promise<Dataset>): Promise<number> {
  let taken = 0;
  for (let i = 0; i < files; i++) {
    try {
      const dataset = await load();
      for (let at = 0; at < dataset.length; at++) dataset.get(at);
      taken++;
    } catch (error) {
      expect(error).toBeInstanceOf(BnError);
    }
  }
  return taken;
}

const images = Uint8Array.of(
  0,
  0,
  8,
  3,
  0,
  0,
  0,
  3,
  0,
  0,
  0,
  2,
  0,
  0,
  0,
  2,
  ...Array.from({ length: 12 }, (_, i) => i),
);
const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2);

test('IDX', async () => {
  const bytesOf = (bytes: Uint8Array) => ({ name: 'file', bytes });
  const taken = await countTaken(3000, () =>
    decodeIdx({
      images: bytesOf(damaged(images)),
      labels: bytesOf(random.integer(2) === 0 ? labels : damaged(labels)),
    }),
  );
  expect(taken).toBeGreaterThan(20);
});

test('IDX in gzip', async () => {
  const folder = await temporaryFolder({ labels });
  const files = { images: join(folder, 'images'), labels: join(folder, 'labels') };
  await countTaken(100, async () => {
    await writeFile(files.images, damaged(gzipSync(images)));
    return loadIdx(files);
  });
});

test('CSV, also in gzip', async () => {
  const text = new TextEncoder().encode('label,pixel1,pixel2,pixel3,pixel4\n1,2,3,4,5\r\n0,255,0,"7",8\n2,1,1,1,1\n');
  const folder = await temporaryFolder();
  const taken = await countTaken(100, async () => {
    const file = join(folder, 'data.csv');
    await writeFile(file, damaged(text));
    return loadCsv(file);
  });
  expect(taken).toBeGreaterThan(5);
  await countTaken(100, async () => {
    const file = join(folder, 'data.csv.gz');
    await writeFile(file, damaged(gzipSync(text)));
    return loadCsv(file);
  });
});
