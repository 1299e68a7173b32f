// `infer model.onnx images`: what is printed for images, for those that are none, and what ends with an error.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { createGraph, input, ops, type Tensor } from '@bn/core';
import { toOnnx } from '@bn/onnx';
import { describe, expect, it } from 'vitest';
import { infer, lightIn, png, taken, testFolder, whereTheLightIs } from './small-model.js';

/** Probability of a class whose logit is 4 where the three others' are 0. */
const high = Math.exp(4) / (Math.exp(4) + 3);
const low = 1 / (Math.exp(4) + 3);

const folderWithImages = async () =>
  testFolder({
    'model.onnx': whereTheLightIs(),
    'images/2.png': await lightIn(2),
    'images/10.png': await lightIn(3),
    'images/more/0.PNG': await lightIn(0),
    'images/notes.txt': 'no image',
  });
const flags = ['--backend', 'reference'];

describe('what is printed', () => {
  it('is a table for people: image, class, probability, and further classes', async () => {
    const folder = await folderWithImages();
    const { stdout, ...rest } = await infer(folder, ['model.onnx', 'images', '--top', '2', ...flags]);
    const leftOut = 'warning: 1 file is left out, since it is not png, jpg, jpeg, webp, gif, tif, tiff, avif, bmp';
    expect(rest).toEqual({ code: 0, stderr: `${leftOut}: ${join('images', 'notes.txt')}\n${taken}` });
    expect(stdout.replaceAll(sep, '/')).toBe(
      [
        'image              class         probability  else',
        'images/2.png       bottom left         0.948  top left 0.017',
        'images/10.png      bottom right        0.948  top left 0.017',
        'images/more/0.PNG  top left            0.948  top right 0.017',
        '',
      ].join('\n'),
    );
  });

  it('does not let names from a file steer the terminal', async () => {
    const classNames = JSON.stringify(['\u001b[2Jgone', 'two\nlines', 'c', 'd']);
    const folder = testFolder({
      'model.onnx': whereTheLightIs({ metadata: { classNames } }),
      'a.png': await lightIn(1),
    });
    const { stdout } = await infer(folder, ['model.onnx', 'a.png', '--top', '2', ...flags]);
    expect(stdout.split('\n')[1]).toBe('a.png  two lines        0.948  [2Jgone 0.017');
  });

  it('is coloured and cut to fit a narrow terminal, the image at its start', async () => {
    const folder = await folderWithImages();
    const name = 'a-photograph-with-a-long-name-that-ends-in-its-number-7.png';
    writeFileSync(join(folder, name), await png(30, 0, 0, 0));
    const terminal = { isTTY: true, columns: 60, hasColors: () => true };
    const { stdout } = await infer(folder, ['model.onnx', 'images', name, ...flags], { terminal });
    const plain = stripVTControlCharacters(stdout);
    for (const line of plain.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
    expect(plain).toMatch(/^…in-its-number-7\.png +top left +0\.348 .*…$/m);
    expect(stdout).toContain('\u001b[32m0.948'); // sure
    expect(stdout).toContain('\u001b[33m0.348'); // not sure
  });

  it('is a line of JSON per image', async () => {
    const folder = await folderWithImages();
    const { code, stdout } = await infer(folder, ['model.onnx', 'images/2.png', '--json', '--top', '9', ...flags]);
    expect(code).toBe(0);
    const { top, ...line } = JSON.parse(stdout);
    expect(line).toEqual({
      type: 'image',
      image: 'images/2.png',
      class: 'bottom left',
      index: 2,
      probability: expect.closeTo(high, 6),
    });
    expect(top.map(({ index }: { index: number }) => index)).toEqual([2, 0, 1, 3]);
    expect(top[3]).toEqual({ class: 'bottom right', index: 3, probability: expect.closeTo(low, 6) });
  });

  it('is CSV, in which a name may have a comma', async () => {
    const folder = await folderWithImages();
    writeFileSync(join(folder, 'a, b.png'), await lightIn(1));
    const { stdout } = await infer(folder, ['model.onnx', 'a, b.png', '--csv', '--top', '2', ...flags]);
    const [header, row] = stdout.split('\n');
    expect(header).toBe('image,class,probability,class2,probability2');
    expect(row).toMatch(/^"a, b\.png",top right,0\.9479\d*,top left,0\.0173\d*$/);
  });

  it('has numbers for classes where the file has no names', async () => {
    const folder = testFolder({
      'model.onnx': whereTheLightIs({ metadata: { classNames: '["one", 2]' } }),
      'a.png': await lightIn(3),
    });
    const { stdout } = await infer(folder, ['model.onnx', 'a.png', '--csv', '--top', '1', ...flags]);
    expect(stdout).toMatch(/^a\.png,3,0\.94/m);
  });
});

it('--invert is for dark objects on white ground', async () => {
  const folder = testFolder({ 'model.onnx': whereTheLightIs(), 'a.png': await png(255, 255, 0, 255) });
  const { stdout } = await infer(folder, ['model.onnx', 'a.png', '--invert', '--csv', ...flags]);
  expect(stdout).toMatch(/^a\.png,bottom left,0\.94/m);
});

it('an image that cannot be read is told, and does not stop the others', async () => {
  const folder = await folderWithImages();
  const images = ['images/2.png', 'images/notes.txt', 'gone.png', 'images/10.png'];
  const { code, stdout, stderr } = await infer(folder, ['model.onnx', ...images, '--json', ...flags]);
  expect(code).toBe(1);
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { image: 'images/2.png', index: 2 },
    { type: 'error', image: 'images/notes.txt', code: 'data' },
    { type: 'error', image: 'gone.png', code: 'file', message: expect.stringContaining('gone.png: no such file') },
    { image: 'images/10.png', index: 3 },
  ]);
  expect(stderr).toMatch(
    /\nerror: images\/notes\.txt: expected a PNG, .*\nerror: gone\.png: .*\n2 of 4 images have no answer/,
  );
});

it('Ctrl-C ends it after a batch', async () => {
  const image = await lightIn(0);
  const images = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`images/${i}.png`, image]));
  const folder = testFolder({ 'model.onnx': whereTheLightIs(), ...images });
  const { code, stdout, stderr } = await infer(folder, ['model.onnx', 'images', ...flags], { stopAt: /0\.png/ });
  expect({ code, stderr }).toEqual({ code: 130, stderr: `${taken}stopped after 64 of 65 images\n` });
  expect(stdout).toContain(join('images', '63.png'));
});

/** A model of float32 [1, 2, 2] whose output is what the function makes of its pixels [batch, 4]. */
function fileOf(output: (x: Tensor) => Tensor, metadata: Record<string, string> = {}): Uint8Array {
  const x = ops.reshape(input('x', [null, 1, 2, 2]), [null, 4]);
  return toOnnx(createGraph({ y: output(x) }), { metadata });
}

describe('a model that gives', () => {
  const seen = async (bytes: Uint8Array, ...args: string[]) => {
    const folder = testFolder({
      'model.onnx': bytes,
      'a.png': await png(255, 51, 0, 204),
      'b.png': await png(0, 0, 0, 0),
    });
    return infer(folder, ['model.onnx', 'a.png', 'b.png', ...flags, ...args]);
  };
  const lines = ({ stdout }: { stdout: string }) => stdout.trimEnd().split('\n');

  it('scores shows the labels that are there', async () => {
    const bytes = fileOf((x) => ops.sigmoid(ops.mul(ops.sub(x, 0.5), 4)), { classNames: '["a","b","c","d"]' });
    const table = await seen(bytes);
    expect(lines(table)).toEqual(['image  labels', 'a.png  a 0.881, d 0.769', 'b.png  none']);
    expect(table.stderr).toMatch(/^model takes 2×2 grey, pixels 0\.\.1; gives scores of 4 labels \(output 'y'\)$/m);
    expect(lines(await seen(bytes, '--csv'))[0]).toBe('image,labels,a,b,c,d');
    expect(lines(await seen(bytes, '--csv'))[1]).toMatch(/^a\.png,a;d,0\.8807\d*,0\.2314\d*,0\.1192\d*,0\.7685\d*$/);
    expect(JSON.parse(lines(await seen(bytes, '--json', '--pixels', '0..1'))[0]!)).toMatchObject({
      labels: ['a', 'd'],
      scores: [{ label: 'a', index: 0 }, { label: 'd', index: 3 }, { label: 'b' }, { label: 'c' }],
    });
  });

  it('values shows them by name', async () => {
    const bytes = fileOf((x) => ops.mul(x, 10));
    const table = await seen(bytes, '--gives', 'values');
    expect(lines(table).map((line) => line.split(/ +/))).toEqual([
      ['image', '0', '1', '2', '3'],
      ['a.png', '10', '2', '0', '8'],
      ['b.png', '0', '0', '0', '0'],
    ]);
    expect(lines(await seen(bytes, '--gives', 'values', '--csv', '--pixels', '-1..1'))).toEqual([
      'image,0,1,2,3',
      'a.png,10,-6,-10,6',
      'b.png,-10,-10,-10,-10',
    ]);
    const one = fileOf((x) => ops.mean(x, [1]));
    expect(JSON.parse(lines(await seen(one, '--json'))[0]!)).toMatchObject({ values: [{ name: 'y', value: 0.5 }] });
  });

  it('probabilities is not put through a softmax again', async () => {
    const bytes = fileOf((x) => ops.softmax(ops.mul(x, 4), 1));
    expect(lines(await seen(bytes, '--csv', '--top', '1'))[1]).toMatch(/^a\.png,0,0\.6629/);
  });

  it('what is no number has no answer: not the first class', async () => {
    const result = await seen(
      fileOf((x) => ops.div(x, ops.sub(ops.mean(x, [1], { keepDims: true }), 0.5))),
      '--gives',
      'logits',
    );
    expect(result).toMatchObject({ code: 1, stdout: expect.stringMatching(/\nb\.png/) });
    expect(result.stderr).toMatch(
      /error: a\.png: the output 'y' gives NaN: the model's weights, or its pixels, are out of range/,
    );
  });

  it('what was said not to be is an error', async () => {
    const result = await seen(
      fileOf((x) => ops.mul(x, 10)),
      '--gives',
      'probabilities',
    );
    expect(result.stderr).toContain(
      "error: a.png: the output 'y' gives 10, but probabilities are from 0 to 1; give another kind by --gives",
    );
    const contradicted = await seen(
      fileOf((x) => ops.softmax(x, 1)),
      '--gives',
      'logits',
    );
    expect(contradicted).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining("the file itself shows that 'y' gives"),
    });
  });
});

describe('errors', () => {
  it.each([
    ['gone.onnx images', 1, 'gone.onnx: there is no such file; give an .onnx file'],
    ['images model.onnx', 1, 'images: this is a folder; give an .onnx file'],
    ['images/2.png images', 1, '2.png: the bytes are not an ONNX model'],
    ['damaged.onnx images', 1, 'damaged.onnx: '],
    ['flat.onnx images', 1, 'flat: the model takes uint8 [batch, 5], which is not a grey or RGB image'],
    ['model.onnx empty', 2, 'empty: there are no images in this folder'],
    ['model.onnx *.gif', 2, '*.gif: no file matches this pattern'],
    ['evluate model.onnx', 2, 'evluate: there is no file or command of that name; --help lists the commands'],
    ['model.onnx', 2, "missing required argument 'image'"],
    ['model.onnx images --top 0', 2, "--top: expected a whole number of at least 1, got '0'"],
    ['model.onnx images --top --json', 2, '--top: the value is missing before --json'],
    ['model.onnx images --csv --json', 2, "'--csv' cannot be used with option '--json'"],
    ['model.onnx images --device gpu', 2, "--device: expected one of auto, cuda, webgpu, cpu, got 'gpu'"],
    [
      'model.onnx images --exact',
      2,
      '--exact: reference has no such mode, only wasm has; leave it out, or give --backend',
    ],
    ['model.onnx images --engine none', 1, "there is no engine 'none' in reference: it has only one"],
  ])('%s', async (line, code, message) => {
    const folder = await folderWithImages();
    const model = whereTheLightIs();
    writeFileSync(join(folder, 'damaged.onnx'), model.subarray(0, model.length - 60));
    writeFileSync(join(folder, 'flat.onnx'), whereTheLightIs({ shape: [5] }));
    mkdirSync(join(folder, 'empty'));
    writeFileSync(join(folder, 'empty', 'notes.txt'), 'no image');
    const result = await infer(folder, line.split(' '), { env: { BN_BACKEND: 'reference' } });
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(message);
  });
});
