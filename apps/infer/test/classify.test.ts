// `infer model.onnx images`: what is printed for images, for those that are none, and what ends with an error.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { infer, lightIn, png, testFolder, whereTheLightIs } from './small-model.js';

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
    expect(rest).toEqual({ code: 0, stderr: '' });
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
    /^error: images\/notes\.txt: expected a PNG, .*\nerror: gone\.png: .*\n2 of 4 images could not/,
  );
});

it('Ctrl-C ends it after a batch', async () => {
  const image = await lightIn(0);
  const images = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`images/${i}.png`, image]));
  const folder = testFolder({ 'model.onnx': whereTheLightIs(), ...images });
  const { code, stdout, stderr } = await infer(folder, ['model.onnx', 'images', ...flags], { stopAt: /0\.png/ });
  expect({ code, stderr }).toEqual({ code: 130, stderr: 'stopped after 64 of 65 images\n' });
  expect(stdout).toContain(join('images', '63.png'));
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
