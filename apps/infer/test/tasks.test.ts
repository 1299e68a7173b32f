// Numbers and labels from end to end: trained by the command line, reported, exported, predicted, evaluated, trained further.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSignature } from '@bn/core';
import { readMetadata } from '@bn/onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricsOf, train } from '../../train/test/small-run.js';
import { type Drawing, networkOf, shapes, writeDrawings } from './drawings.js';
import { infer } from './small-model.js';

const folder = mkdtempSync(join(tmpdir(), 'bn-tasks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const wasm = ['--backend', 'wasm', '--threads', '1'];
const settings = ['--keep', 'last', '--batch-size', '16', '--optimizer', 'adam', '--learning-rate', '0.02', ...wasm];
const drawn: Record<string, Drawing[]> = {};

beforeAll(async () => {
  for (const kind of ['strokes', 'shapes'] as const) {
    drawn[kind] = await writeDrawings(folder, kind, { count: 160, seed: 1, kind });
    drawn[`${kind}-test`] = await writeDrawings(folder, `${kind}-test`, { count: 40, seed: 2, kind });
  }
  writeFileSync(join(folder, 'two.mjs'), networkOf(2));
  writeFileSync(join(folder, 'three.mjs'), networkOf(3));
}, 30_000);

async function ok(program: typeof train, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await program(folder, args);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return stdout;
}

const files = (name: string) => [0, 1, 2, 3, 4, 5].map((i) => `${name}-test/${i}.png`);

/** What `infer` says of some images, a line of JSON for each. */
async function saidOf<T>(model: string, name: string): Promise<T[]> {
  const lines = await ok(infer, [model, ...files(name), ...wasm, '--json']);
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

const lastTest = (run: string) => metricsOf(join(folder, run)).at(-1)!.test.metrics;
const namesIn = (model: string) =>
  decodeSignature(readMetadata(new Uint8Array(readFileSync(join(folder, model)))).signature!).output.names;

describe('numbers', () => {
  const data = ['--task', 'regress', '--data', 'strokes.csv', '--test-data', 'strokes-test.csv', ...settings];

  beforeAll(async () => {
    await ok(train, [...data, '--model', 'two.mjs', '--epochs', '12', '--out', 'numbers', '--export', 'numbers.onnx']);
  }, 30_000);

  it('are learned, and the report shows each by its name', () => {
    expect(lastTest('numbers')).toEqual({ absoluteError: expect.any(Number) });
    const report = readFileSync(join(folder, 'numbers', 'report.html'), 'utf8');
    expect(report).toMatch(
      /brightness<\/th><td>\d\.\d{3}<.*strokes<\/th><td>\d\.\d{3}<\/td><td>\d\.\d{3}<\/td><td>0\.\d{3}</s,
    );
    expect(report).toContain('Absolute error by epoch');
    expect(report).toMatch(/Largest errors.*brightness 0\.\d+, strokes \d/s);
    expect(report).not.toMatch(/Accuracy|Confusion|Mistakes/);
  });

  it('are predicted by name, and evaluated as the trainer did', async () => {
    type Said = { values: { name: string; value: number }[] };
    for (const [i, { values }] of (await saidOf<Said>('numbers.onnx', 'strokes')).entries()) {
      const { brightness, strokes } = drawn['strokes-test']![i]!;
      expect(values.map(({ name }) => name)).toEqual(['brightness', 'strokes']);
      expect(Math.abs(values[0]!.value - brightness)).toBeLessThan(0.4);
      expect(Math.abs(values[1]!.value - strokes)).toBeLessThan(1.5);
    }
    const evaluate = async (...more: string[]) =>
      JSON.parse(
        await ok(infer, ['evaluate', 'numbers.onnx', '--data', 'strokes-test.csv', ...wasm, '--json', ...more]),
      );
    const { mean, values } = await evaluate();
    expect(mean.absoluteError).toBeCloseTo(lastTest('numbers').absoluteError!, 5);
    expect(values[1].rSquared).toBeGreaterThan(0.5);
    // In another order of the columns.
    expect((await evaluate('--target', 'strokes,brightness')).values).toEqual(values);
    const { code, stderr } = await infer(folder, [
      'evaluate',
      'numbers.onnx',
      '--data',
      'strokes-test.csv',
      '--target',
      'strokes',
      ...wasm,
    ]);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('the model gives 2 value(s)') });
  });

  it('go on being learned: the run, and the exported file', async () => {
    await ok(train, ['--resume', 'numbers', '--epochs', '13']);
    expect(metricsOf(join(folder, 'numbers'))).toHaveLength(13);
    const still = ['--epochs', '1', '--learning-rate', '1e-30', '--out', 'tuned', '--export', 'tuned.onnx'];
    const turned = data.map((flag) => (flag === '0.02' ? '1e-30' : flag));
    await ok(train, [...turned, '--model', 'numbers.onnx', '--target', 'strokes,brightness', ...still]);
    const { mean } = JSON.parse(
      await ok(infer, ['evaluate', 'numbers.onnx', '--data', 'strokes-test.csv', ...wasm, '--json']),
    );
    expect(lastTest('tuned').absoluteError).toBeCloseTo(mean.absoluteError, 5);
    expect(namesIn('tuned.onnx')).toEqual(['brightness', 'strokes']);
    const odd = await train(folder, [
      '--task',
      'multilabel',
      '--data',
      'shapes.csv',
      '--model',
      'numbers.onnx',
      ...settings,
    ]);
    expect(odd).toMatchObject({ code: 1, stderr: expect.stringContaining('give --task regress') });
  });
});

describe('labels', () => {
  const flags = ['--task', 'multilabel', '--model', 'three.mjs', ...settings, '--epochs', '8'];

  beforeAll(async () => {
    for (const form of ['', '-lists']) {
      const data = ['--data', `shapes${form}.csv`, '--test-data', `shapes-test${form}.csv`];
      await ok(train, [...flags, ...data, '--out', `labels${form}`, '--export', `labels${form}.onnx`]);
    }
  }, 30_000);

  it.each(['', '-lists'])('are learned from a table%s, and the report shows each by its name', (form) => {
    expect(lastTest(`labels${form}`).accuracy).toBeGreaterThan(0.6);
    const report = readFileSync(join(folder, `labels${form}`, 'report.html'), 'utf8');
    for (const shape of shapes) expect(report).toMatch(new RegExp(`${shape}</th><td>`));
    expect(report).not.toMatch(/Confusion|Largest errors/);
    expect(namesIn(`labels${form}.onnx`)).toEqual(form === '' ? shapes : [...shapes].sort());
  });

  it.each(['', '-lists'])(
    'are predicted by name, and evaluated on either form of table: learned from%s',
    async (form) => {
      const model = `labels${form}.onnx`;
      type Said = { labels: string[]; scores: { label: string; score: number }[] };
      const right = (await saidOf<Said>(model, 'shapes')).map(({ labels, scores }, i) => {
        expect(scores.map(({ label }) => label).sort()).toEqual([...shapes].sort());
        expect(labels).toEqual(scores.filter(({ score }) => score >= 0.5).map(({ label }) => label));
        const { shown } = drawn['shapes-test']![i]!;
        return shapes.filter((shape) => labels.includes(shape) === shown.includes(shape)).length;
      });
      expect(right.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(9);
      for (const other of ['', '-lists']) {
        const args = ['evaluate', model, '--data', `shapes-test${other}.csv`, ...wasm, '--json'];
        const { accuracy, classes } = JSON.parse(await ok(infer, args));
        expect(accuracy).toBeCloseTo(lastTest(`labels${form}`).accuracy!, 6);
        expect(classes.map(({ label }: { label: string }) => label)).toEqual(namesIn(model));
      }
    },
  );

  it('keep their places in further training on the other form', async () => {
    const still = ['--data', 'shapes-lists.csv', '--test-data', 'shapes-test.csv', '--epochs', '1', '--out', 'same'];
    const turned = flags.map((flag) => ({ '0.02': '1e-30', 'three.mjs': 'labels.onnx', '8': '1' })[flag] ?? flag);
    await ok(train, [...turned, ...still, '--export', 'same.onnx']);
    expect(lastTest('same').accuracy).toBeCloseTo(lastTest('labels').accuracy!, 6);
    expect(namesIn('same.onnx')).toEqual([...shapes]);
    const odd = await train(folder, [...flags, '--data', 'strokes.csv', '--out', 'never']);
    expect(odd).toMatchObject({ code: 1, stderr: expect.stringContaining('expected 0 or 1') });
  });
});
