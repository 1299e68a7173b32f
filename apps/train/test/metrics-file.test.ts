// metrics.jsonl after whatever may have happened to it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { appendMetrics, restoreMetrics } from '../src/run/metrics-file.js';
import type { EpochRecord } from '../src/run-record.js';
import { smallFlags, smallFolder, train } from './small-run.js';

const record = (epoch: number): EpochRecord => ({
  ...{
    epoch,
    loss: 1 / epoch,
    metrics: { accuracy: 0.5 },
    test: { loss: 1, metrics: { accuracy: 0.4 } },
    learningRate: 1,
  },
  ...{ examplesPerSecond: 10, seconds: 1, examples: 10, batchNorm: { bn: { gamma: [1], beta: [0.1] } } },
});

const lines = (...epochs: number[]) => epochs.map((epoch) => `${JSON.stringify(record(epoch))}\n`).join('');

function file(content?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'bn-metrics-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'metrics.jsonl');
  if (content !== undefined) writeFileSync(path, content);
  return path;
}

it.each([
  ['a whole file', lines(1, 2, 3)],
  ['a part of a later line', `${lines(1, 2, 3)}{"epoch":4,"lo`],
  ['later lines', lines(1, 2, 3, 4, 5)],
  ['a missing last line', lines(1, 2)],
  ['a part of the last line', lines(1, 2, 3).slice(0, -20)],
  ['zeros, as after a power cut', `${lines(1, 2)}\0\0\0\0\0`],
  ['lines of other kinds', `null\n[]\n7\n${lines(1, 2, 3)}\n\n{"epoch":-1}\n`],
])('restores %s', async (_, content) => {
  const path = file(content);
  expect(await restoreMetrics(path, record(3))).toEqual([record(1), record(2), record(3)]);
  expect(readFileSync(path, 'utf8')).toBe(lines(1, 2, 3));
});

it('reads lines of version 0.1.0, which had accuracies by names of their own', async () => {
  const { metrics: _, test: __, ...rest } = record(1);
  const path = file(`${JSON.stringify({ ...rest, trainAccuracy: 0.5, testLoss: 1, testAccuracy: 0.4 })}\n`);
  expect(await restoreMetrics(path, record(2))).toEqual([record(1), record(2)]);
});

it('empties the file when there is no checkpoint', async () => {
  const path = file(lines(1));
  expect(await restoreMetrics(path, null)).toEqual([]);
  expect(readFileSync(path, 'utf8')).toBe('');
});

it('keeps the lines that are left when someone has deleted some', async () => {
  expect(await restoreMetrics(file(lines(2)), record(4))).toEqual([record(2), record(4)]);
  expect(await restoreMetrics(file(), record(2))).toEqual([record(2)]);
});

it('appends lines', async () => {
  const path = file();
  await appendMetrics(path, record(1));
  await appendMetrics(path, record(2));
  expect(readFileSync(path, 'utf8')).toBe(lines(1, 2));
});

/** Type of each field by its path; of a map, of its values. */
function typesOf(value: unknown, path = ''): [field: string, type: string][] {
  if (typeof value === 'number' || typeof value === 'boolean') return [[path, typeof value]];
  if (Array.isArray(value)) return [[path, 'list of numbers']];
  const inner = Object.entries(value as object);
  if (/(^|\.)metrics$/.test(path)) return [[path, 'numbers by name']];
  return inner.flatMap(([name, one]) => {
    const key = path === 'batchNorm' ? '<layer>' : name;
    return typesOf(one, path === '' ? key : `${path}.${key}`);
  });
}

it('docs/metrics.md tells all fields of a run, and no others', async () => {
  const folder = smallFolder();
  expect(await train(folder, [...smallFlags, '--epochs', '1', '--out', 'run'])).toMatchObject({ code: 0 });
  const [line] = readFileSync(join(folder, 'run/metrics.jsonl'), 'utf8').split('\n');
  const docs = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const told = [...docs.matchAll(/^\| `(\S+)` \| ([a-z ]+) \|/gm)].map(([, field, type]) => [field, type]);
  expect(told).toEqual(typesOf(JSON.parse(line!)));
  const [, example] = /```json\n(.*)\n```/.exec(docs)!;
  expect(typesOf(JSON.parse(example!))).toEqual(told);
});
