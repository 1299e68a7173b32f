// `infer evaluate`: the trainer's own figures, from the exported file, on every backend; and what does not fit.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import {
  batchNorm,
  classification,
  conv2d,
  createTrainer,
  type Dataset,
  defineModel,
  dense,
  flatten,
  type OutputKind,
  relu,
  type Signature,
  sequential,
  sgd,
} from '@bn/core';
import { MemoryDataset } from '@bn/datasets';
import { exportInference } from '@bn/onnx';
import { createBackend } from '@bn/reference';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { answersFor } from '../src/evaluate/evaluate-model.js';
import { evaluate } from '../src/evaluate/evaluation.js';
import { evaluationText } from '../src/evaluate/evaluation-text.js';
import { targetsOf } from '../src/evaluate/targets.js';
import { infer, lightIn, png, taken, testFolder, whereTheLightIs } from './small-model.js';

/** A CSV of 2 × 2 images, each a label and its pixels. */
const csv = (...rows: readonly (readonly number[])[]) =>
  `label,p,p,p,p\n${rows.map((row) => `${row.join(',')}\n`).join('')}`;
const light = (label: number, corner: number) => [label, ...[0, 1, 2, 3].map((i) => (i === corner ? 255 : 0))];
const flags = ['--backend', 'reference'];

/** A trained network with batch normalization, what its trainer says of test data, and that data as CSV. */
async function trained() {
  const label = (i: number) => (i * 7) % 3;
  const pixel = (i: number, p: number) => (label(i) * 50 + ((i * 31 + p * 17) % 151)) % 256;
  const examples = Array.from({ length: 120 }, (_, i) => Array.from({ length: 36 }, (_, p) => pixel(i, p)));
  const features = Uint8Array.from(examples.flat());
  const labels = Int32Array.from({ length: 120 }, (_, i) => label(i));
  const data = new MemoryDataset({ features, shape: [1, 6, 6], labels });
  const network = sequential({
    conv: conv2d(2, { kernelSize: 3 }),
    bn: batchNorm(),
    act: relu(),
    flatten: flatten(),
    out: dense(3),
  });
  const model = defineModel(network, { input: { shape: [null, 1, 6, 6], dtype: 'float32' } });
  const backend = await createBackend();
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd() });
  for await (const _ of trainer.fit({ train: data, epochs: 6, batchSize: 30, learningRate: 0.1 }));
  const evaluation = await trainer.evaluate(data, { batchSize: 30 });
  const bytes = exportInference(model, await trainer.values());
  await backend.dispose();
  const rows = examples.map((pixels, i) => `${label(i)},${pixels.join(',')}\n`);
  return { bytes, evaluation, csv: `label${',p'.repeat(36)}\n${rows.join('')}` };
}

it('gives the accuracy and loss that the trainer had, on every backend', async () => {
  const { bytes, evaluation, csv } = await trained();
  // Else any model would do.
  expect(evaluation.metrics.accuracy).toBeGreaterThan(0.4);
  expect(evaluation.metrics.accuracy).toBeLessThan(1);
  const folder = testFolder({ 'model.onnx': bytes, 'test.csv': csv });
  const args = ['evaluate', 'model.onnx', '--data', 'test.csv', '--json'];
  for (const backend of ['reference', 'onnxruntime-cuda', 'wasm', 'tfjs-cuda']) {
    const { code, stdout } = await infer(folder, [...args, '--backend', backend, '--device', 'cpu']);
    expect(code, backend).toBe(0);
    const result = JSON.parse(stdout);
    expect(result.accuracy, backend).toBe(evaluation.metrics.accuracy);
    expect(Math.abs(result.loss - evaluation.loss), backend).toBeLessThan(1e-5);
    expect(result.backend).toContain(backend);
  }
});

describe('what is printed', () => {
  const files = { 'model.onnx': whereTheLightIs(), 'a.csv': csv(light(0, 0), light(0, 1), light(1, 1), light(2, 2)) };
  const args = ['evaluate', 'model.onnx', '--data', 'a.csv', ...flags];

  it('is a table of the classes, the confusions and the accuracy', async () => {
    const { code, stdout, stderr } = await infer(testFolder(files), args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: taken });
    // Of the four, one is right with p = e^4 / (e^4 + 3) three times, and 1 / (e^4 + 3) once.
    const loss = -Math.log(Math.exp(4) / (Math.exp(4) + 3)) + 1;
    expect(stdout).toBe(`model on a.csv, 4 examples (all of it), by reference on cpu (1 thread)

class         precision  recall     F1  support
top left          1.000   0.500  0.667        2
top right         0.500   1.000  0.667        1
bottom left       1.000   1.000  1.000        1
bottom right          –       –      –        0
mean              0.833   0.833  0.778        4

Rows are what the examples are, columns what the model says:

                0  1  2  3
0 top left      1  1  ·  ·
1 top right     ·  1  ·  ·
2 bottom left   ·  ·  1  ·
3 bottom right  ·  ·  ·  ·

accuracy 0.750, loss ${loss.toFixed(3)}
`);
  });

  it('is coloured at a terminal, and lists mistakes where the matrix does not fit', async () => {
    const folder = testFolder(files);
    const wide = await infer(folder, args, { terminal: { isTTY: true, columns: 80, hasColors: () => true } });
    expect(wide.stdout).toContain('\u001b[33m1\u001b[39m'); // half of a class is taken for another
    expect(stripVTControlCharacters(wide.stdout)).toContain('0 top left      1  1  ·  ·');
    const narrow = await infer(folder, args, { terminal: { isTTY: true, columns: 24 } });
    expect(narrow.stdout).toContain('The most frequent mistakes:\n\n1  top left taken for top right\n\n');
    writeFileSync(join(folder, 'a.csv'), csv(light(3, 3)));
    const right = await infer(folder, args, { terminal: { isTTY: true, columns: 24 } });
    expect(right.stdout).toContain('No example is taken for another class.');
  });

  it('is one object of JSON for programs', async () => {
    const { stdout } = await infer(testFolder(files), [...args, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ type: 'evaluation', model: 'model', data: 'a.csv', part: 'all of it', examples: 4, accuracy: 0.75 },
      mean: { precision: 2.5 / 3, support: 4 },
      confusion: [
        [1, 1, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 0],
      ],
      classes: [
        { class: 'top left', precision: 1, recall: 0.5, f1: 2 / 3, support: 2 },
        { class: 'top right' },
        { class: 'bottom left' },
        { class: 'bottom right', precision: null, recall: null, f1: null, support: 0 },
      ],
    });
  });
});

it('folders of images are matched by their names, in colours too, and may lack classes', async () => {
  const folder = testFolder({
    'model.onnx': whereTheLightIs({ shape: [3, 1, 2], metadata: { classNames: '["r0","r1","g0","g1","b0","b1"]' } }),
  });
  const pixel = (...values: number[]) =>
    sharp(Uint8Array.from(values), { raw: { width: 2, height: 1, channels: 3 } })
      .png()
      .toBuffer();
  // Sorted, the folders are in another order than the model's classes.
  const images = { b1: [0, 0, 0, 0, 0, 255], g0: [0, 255, 0, 0, 0, 0], r1: [0, 0, 0, 255, 0, 0] };
  for (const [name, values] of Object.entries(images)) {
    mkdirSync(join(folder, 'data', name), { recursive: true });
    writeFileSync(join(folder, 'data', name, '1.webp'), await pixel(...values));
  }
  const { stdout } = await infer(folder, ['evaluate', 'model.onnx', '--data', 'data', '--json', ...flags]);
  expect(JSON.parse(stdout)).toMatchObject({ accuracy: 1, examples: 3 });
});

it('classes without names in the file get those of the data, in their order, and a warning', async () => {
  const folder = testFolder({ 'model.onnx': whereTheLightIs({ metadata: {} }) });
  for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) {
    mkdirSync(join(folder, 'data', name), { recursive: true });
    writeFileSync(join(folder, 'data', name, '1.png'), await lightIn(i));
  }
  const { stdout, stderr } = await infer(folder, ['evaluate', 'model.onnx', '--data', 'data', '--json', ...flags]);
  expect(stderr).toContain("warning: the model has no names of classes: the data's are taken in their order");
  expect(JSON.parse(stdout)).toMatchObject({ accuracy: 1, classes: [{ class: 'a' }, {}, {}, { class: 'd' }] });
});

it('a model of numbers takes plain features', async () => {
  const folder = testFolder({
    'model.onnx': whereTheLightIs({ shape: [4], input: 'float32' }),
    'a.csv': csv(light(2, 2), light(1, 1)),
  });
  const { stdout } = await infer(folder, ['evaluate', 'model.onnx', '--data', 'a.csv', '--json', ...flags]);
  expect(JSON.parse(stdout)).toMatchObject({ accuracy: 1, loss: expect.closeTo(Math.log(1 + 3 / Math.exp(4)), 5) });
});

it('Ctrl-C ends it', async () => {
  const folder = testFolder({ 'model.onnx': whereTheLightIs(), 'a.csv': csv(light(0, 0)) });
  const result = await infer(folder, ['evaluate', 'model.onnx', '--data', 'a.csv', ...flags], { stopped: true });
  expect(result).toEqual({ code: 130, stdout: '', stderr: `${taken}stopped\n` });
});

it('can be stopped by Ctrl-C though the backend never waits for anything', async () => {
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  const length = 256 * 10_000;
  const example = { features: new Uint8Array(4), label: 0 };
  const dataset = { length, features: { dtype: 'uint8', shape: [1, 2, 2] }, get: () => example } as unknown as Dataset;
  const model = { answer: async () => new Float32Array(256 * 2), signature: signatureOf('probabilities', 2) };
  const input = { shape: [1, 2, 2], features: (pixels: Uint8Array) => pixels };
  expect(await answersFor(model, dataset, { input, signal: stop.signal })).toBeNull();
});

const signatureOf = (kind: OutputKind, size: number, names: readonly string[] | null = null): Signature => ({
  input: { name: 'x', dtype: 'uint8', shape: [1], image: null },
  output: { name: 'y', kind, size, names },
});

describe('by what the model gives', () => {
  const dataOf = (labels: Float32Array | Int32Array, width: number, names: Partial<Dataset> = {}): Dataset => ({
    length: labels.length / Math.max(1, width),
    features: { dtype: 'uint8', shape: [1] },
    labels: width === 0 ? { dtype: 'int32', shape: [] } : { dtype: 'float32', shape: [width] },
    get: (i) => ({ features: [0], label: width === 0 ? labels[i]! : labels.slice(i * width, (i + 1) * width) }),
    ...names,
  });
  const plain = { width: Number.POSITIVE_INFINITY, colours: false };

  it('labels, in whatever order the data has them', () => {
    const { output } = signatureOf('scores', 2, ['sun', 'sea']);
    const data = dataOf(Float32Array.of(1, 1, 0, 1, 0, 0), 2, { classNames: ['sea', 'sun'] });
    const targets = targetsOf(data, output);
    expect([...(targets.values as Float32Array)]).toEqual([1, 1, 1, 0, 0, 0]);
    const evaluation = evaluate(Float32Array.of(0.9, 0.75, 0.25, 0.25, 0.25, 0.75), targets, output);
    expect(evaluation).toMatchObject({
      accuracy: 4 / 6,
      loss: expect.closeTo(-(Math.log(0.9) + 3 * Math.log(0.75) + 2 * Math.log(0.25)) / 6, 6),
      classes: [
        { precision: 1, recall: 0.5, support: 2 },
        { precision: 0.5, recall: 1, support: 1 },
      ],
    });
    expect(evaluationText(evaluation, plain)).toBe(`label  precision  recall     F1  support
sun        1.000   0.500  0.667        2
sea        0.500   1.000  0.667        1
mean       0.750   0.750  0.667        3

accuracy 0.667, loss 0.623`);
  });

  it('values', () => {
    const { output } = signatureOf('values', 2, ['x', 'y']);
    const data = dataOf(Float32Array.of(1, 10, 2, 20, 3, 30), 2, { valueNames: ['x', 'y'] });
    const evaluation = evaluate(Float32Array.of(1, 10, 2, 20, 6, 27), targetsOf(data, output), output);
    expect(evaluation).toMatchObject({
      values: [
        { absoluteError: 1, squaredError: 3, rSquared: -3.5 },
        { absoluteError: 1, squaredError: 3, rSquared: 0.955 },
      ],
      mean: { absoluteError: 1, squaredError: 3, rSquared: expect.closeTo(-1.2725, 9) },
    });
    expect(evaluationText(evaluation, plain)).toBe(`value  mean absolute error  mean squared error      R²
x                        1                   3    -3.5
y                        1                   3   0.955
mean                     1                   3  -1.272`);
  });

  it('one number that the data has as a label', () => {
    const { output } = signatureOf('values', 1);
    const targets = targetsOf(dataOf(Int32Array.of(3, 5), 0), output);
    expect(evaluate(Float32Array.of(3.5, 5), targets, output)).toMatchObject({
      names: ['y'],
      mean: { absoluteError: 0.25 },
    });
  });

  it('one score of two classes, the second of which it is of', () => {
    const { output } = signatureOf('scores', 1);
    const targets = targetsOf(dataOf(Int32Array.of(0, 1, 1), 0, { classNames: ['cat', 'dog'] }), output);
    expect(targets.note).toContain('cat, dog');
    const evaluation = evaluate(Float32Array.of(0.25, 0.75, 0.25), targets, output);
    expect(evaluation).toMatchObject({ names: ['dog'], accuracy: 2 / 3, classes: [{ precision: 1, recall: 0.5 }] });
  });

  it('scores, of data with one class for each example', () => {
    const { output } = signatureOf('scores', 3, ['a', 'b', 'c']);
    const targets = targetsOf(dataOf(Int32Array.of(1, 0), 0, { classNames: ['c', 'a'] }), output);
    expect([...(targets.values as number[])]).toEqual([1, 0, 0, 0, 0, 1]);
  });

  it.each<[string, Dataset, Signature]>([
    [
      'the data has 2 numbers for each example, the model gives 1 value',
      dataOf(new Float32Array(4), 2),
      signatureOf('values', 1),
    ],
    ['the data has classes, the model gives 2 value', dataOf(new Int32Array(4), 0), signatureOf('values', 2)],
    [
      'the data has 2 numbers for each example, the model gives one class',
      dataOf(new Float32Array(4), 2),
      signatureOf('logits', 2),
    ],
    [
      'example 1 has the label 0.5; labels are 0 or 1',
      dataOf(Float32Array.of(1, 0, 0, 0.5), 2),
      signatureOf('scores', 2),
    ],
    [
      'the data has the classes sea, but the model sun',
      dataOf(new Float32Array(4), 1, { classNames: ['sea'] }),
      signatureOf('scores', 1, ['sun']),
    ],
  ])('%s', (message, data, { output }) => {
    expect(() => targetsOf(data, output)).toThrow(message);
  });

  it('an answer that is no number is an error that names the example', async () => {
    const model = {
      answer: async () => Float32Array.of(0.5, 0.5, 1, Number.NaN),
      signature: signatureOf('probabilities', 2),
    };
    const input = { shape: [1], features: (pixels: Uint8Array) => pixels };
    const options = { input, signal: new AbortController().signal };
    await expect(answersFor(model, dataOf(new Int32Array(2), 0), options)).rejects.toThrow(
      "example 1: the output 'y' gives NaN",
    );
  });
});

it.each([11, 12])(
  'numbers of %i classes without names in the file are in the order that ImageFolder gives them',
  async (count) => {
    const folders = Array.from({ length: count }, (_, i) => String(i)).sort();
    const shape = [1, 1, count];
    const folder = testFolder({ 'model.onnx': whereTheLightIs({ shape, metadata: {} }) });
    for (const [i, name] of folders.entries()) {
      mkdirSync(join(folder, 'data', name), { recursive: true });
      const pixels = Uint8Array.from({ length: count }, (_, x) => (x === i ? 255 : 0));
      const image = sharp(pixels, { raw: { width: count, height: 1, channels: 1 } });
      writeFileSync(join(folder, 'data', name, '1.png'), await image.toColourspace('b-w').png().toBuffer());
    }
    const { stdout, stderr } = await infer(folder, ['evaluate', 'model.onnx', '--data', 'data', '--json', ...flags]);
    expect(JSON.parse(stdout)).toMatchObject({ accuracy: 1 });
    expect(stderr).toContain(
      "warning: the model has no names of classes: the data's are taken in their order, 0, 1, 10, ",
    );
  },
);

it('data may have fewer classes than the file has outputs, whose names are numbers then', async () => {
  const folder = testFolder({
    'model.onnx': whereTheLightIs({ metadata: { classNames: '["a","b"]' } }),
    'data/b/1.png': await lightIn(1),
  });
  const { stdout } = await infer(folder, ['evaluate', 'model.onnx', '--data', 'data', '--json', ...flags]);
  const { accuracy, classes } = JSON.parse(stdout);
  expect([accuracy, classes.map((one: { class: string }) => one.class)]).toEqual([1, ['a', 'b', '2', '3']]);
});

describe('errors', () => {
  it.each([
    ['model.onnx', 2, "required option '--data <name>' not specified"],
    ['model.onnx --data gone', 2, 'gone: there is no such data'],
    [
      'model.onnx --data high.csv',
      1,
      'the data has the classes 3, 4, without names, but the model top left, top right,',
    ],
    ['model.onnx --data images', 1, 'the data has the classes boots, top left, but the model top left, top right,'],
    ['model.onnx --data fashion-mnist', 1, 'uint8 [1, 28, 28], but the model takes [1, 2, 2]'],
    [
      'model.onnx --data fashion-mnist --held-out-by 3',
      2,
      '--held-out-by has no effect: fashion-mnist has a test part',
    ],
    ['model.onnx --data a.csv --held-out-by -1', 2, '--held-out-by: expected a whole number from 0 to'],
    ['gone.onnx --data a.csv', 1, 'gone.onnx: there is no such file'],
  ])('evaluate %s', async (line, code, message) => {
    const folder = testFolder({
      'model.onnx': whereTheLightIs(),
      'a.csv': csv(light(0, 0), light(1, 1)),
      'high.csv': csv(light(3, 0), light(4, 1)),
      'images/boots/1.png': await png(0, 0, 0, 0),
      'images/top left/1.png': await lightIn(0),
    });
    const result = await infer(folder, ['evaluate', ...line.split(' '), ...flags]);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(message);
  });
});
