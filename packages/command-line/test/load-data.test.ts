// Data to evaluate on, the part of it that training does not see, where that can be known; and data known before.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dataset } from '@bn/core';
import { expect, onTestFinished, test } from 'vitest';
import { loadData, loadTestData, outlineOf } from '../src/index.js';

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
  expect(description).toBe('a.csv, 36 training and 4 test examples (held out by seed 5: the data has no test part)');
});

test('with a test part it is that', async () => {
  const { dataset, part } = await loadTestData({ data: 'fashion-mnist', heldOutBy: null }, [1, 28, 28]);
  expect({ part, length: dataset.length }).toEqual({ part: 'test part', length: 10_000 });
  await expect(loadTestData({ data: 'fashion-mnist', heldOutBy: 0 }, [1, 28, 28])).rejects.toThrow('has no effect');
});

test('the outline of known data is that of what will be loaded', async () => {
  const options = { data: 'fashion-mnist', testData: null, limit: 300, seed: 0 };
  const { train, outputs } = await loadData(options, null);
  expect({ train, outputs }).toMatchObject(outlineOf(options)!);
  expect(outlineOf({ ...options, limit: null })).toMatchObject({ train: { length: 60_000 } });
  expect(outlineOf({ ...options, data: csvFile() })).toBeNull();
});
