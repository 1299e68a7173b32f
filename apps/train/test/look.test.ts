// `look`: counts, spread, files and duplicates of data in its forms.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import type { DataRecord } from '../src/look/record.js';
import { smallFolder, train } from './small-run.js';

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const size = { width: 2, height: 2 };
const png = (...data: number[]) => encode({ ...size, channels: data.length / 4, data: Uint8Array.from(data) });

/** Two classes in colour, with a picture in both, a picture in both parts, and files that are left out. */
function photographs(): string {
  const folder = smallFolder();
  const red = png(255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0);
  const grey = (value: number) => png(value, value, value, value);
  write(join(folder, 'photos/train/cat/a.png'), red);
  write(join(folder, 'photos/train/cat/b.png'), grey(51));
  write(join(folder, 'photos/train/cat/c.png'), grey(51));
  write(join(folder, 'photos/train/cat/notes.txt'), 'no picture');
  write(join(folder, 'photos/train/dog/a.png'), grey(51));
  write(join(folder, 'photos/test/cat/x.png'), red);
  write(join(folder, 'photos/test/dog/y.png'), grey(102));
  write(join(folder, 'photos/test/dog/broken.png'), red.subarray(0, 30));
  return folder;
}

async function look(folder: string, ...flags: string[]): Promise<DataRecord> {
  const { code, stdout, stderr } = await train(folder, ['look', '--json', ...flags]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('look', () => {
  it('tells of folders of images: classes, channels, files, duplicates by content, files left out, warnings', async () => {
    const record = await look(photographs(), '--data', 'photos');
    const [train, test] = record.parts;
    expect(train).toMatchObject({
      ...{ name: 'train', examples: 4, columns: 13, shape: [3, 2, 2], dtype: 'uint8', kind: '2×2 RGB' },
      classes: [
        { name: 'cat', examples: 3 },
        { name: 'dog', examples: 1 },
      ],
      channels: [
        { name: 'red', least: 0.2, mean: 0.4, deviation: expect.closeTo(0.2 * Math.sqrt(3), 12), greatest: 1 },
        { name: 'green', least: 0, mean: expect.closeTo(0.15, 12), greatest: 0.2 },
        { name: 'blue' },
      ],
      files: { formats: [{ format: 'PNG', files: 4 }], sizes: [{ width: 2, height: 2, files: 4 }] },
    });
    expect(test).toMatchObject({ name: 'test', examples: 2 });
    expect(record.repeated).toEqual({ train: 2, test: 0 });
    expect(record.inBoth).toBe(1);
    expect(record.duplicates.map(({ examples }) => examples.map(({ file, label }) => [file, label]))).toEqual([
      [
        [join('photos', 'train', 'cat', 'a.png'), 'cat'],
        [join('photos', 'test', 'cat', 'x.png'), 'cat'],
      ],
      [
        [join('photos', 'train', 'cat', 'b.png'), 'cat'],
        [join('photos', 'train', 'cat', 'c.png'), 'cat'],
        [join('photos', 'train', 'dog', 'a.png'), 'dog'],
      ],
    ]);
    expect(record.skipped.map(({ file }) => file)).toEqual([
      join('photos', 'train', 'cat', 'notes.txt'),
      join('photos', 'test', 'dog', 'broken.png'),
    ]);
    expect(record.warnings).toEqual([
      'the classes of the training data are unequal: cat has 3 examples, dog has 1',
      '1 test example is in the training data too: the test is easier than it looks',
      'one image has several classes: see the duplicates',
    ]);
  });

  it('tells people the same, and writes a page with a sheet of each class that needs nothing else', async () => {
    const folder = photographs();
    const { code, stdout } = await train(folder, ['look', '--data', 'photos', '--html', 'look.html']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^training data: 4 rows × 13 columns \(2×2 RGB, one of 2 classes\)$/m);
    expect(stdout).toMatch(/^dog +1 +1 +█+$/m);
    expect(stdout).toMatch(/^train red +0\.4000 +0\.3464 +0\.2000 +1\.0000$/m);
    expect(stdout).toMatch(/^left out: 2 files$/m);
    const page = readFileSync(join(folder, 'look.html'), 'utf8');
    expect(page).toContain('alt="3 examples of cat"');
    expect(page).not.toMatch(/https?:|src="(?!data:)|href=|<script|<link| style=/);
    expect(page).not.toContain(folder);
  });

  it('tells of IDX files, whose classes are numbers, and of test data that is given', async () => {
    const record = await look(smallFolder(), '--data', 'data', '--test-data', 'data');
    expect(
      record.parts.map(({ name, examples, columns, kind, files }) => ({ name, examples, columns, kind, files })),
    ).toEqual([
      { name: 'train', examples: 90, columns: 65, kind: '8×8 grey', files: null },
      { name: 'test', examples: 30, columns: 65, kind: '8×8 grey', files: null },
    ]);
    expect(record.parts[0]!.classes).toEqual(['0', '1', '2'].map((name) => ({ name, examples: 30 })));
  });

  it('tells of the values of a regression, and of several labels', async () => {
    const folder = smallFolder();
    write(join(folder, 'light.csv'), 'bright,p1\n0.5,0\n1.5,255\n2.5,0\n');
    write(join(folder, 'tags.csv'), 'a,b,p1\n1,0,0\n0,0,9\n1,1,0\n');
    const { stdout } = await train(folder, ['look', '--data', 'light.csv', '--task', 'regress', '--target', 'bright']);
    expect(stdout).toMatch(/^test data: none; a training holds out a tenth, by its seed$/m);
    const values = await look(folder, '--data', 'light.csv', '--task', 'regress', '--target', 'bright');
    expect(values.parts[0]).toMatchObject({
      classes: [],
      values: [{ name: 'bright', least: 0.5, mean: 1.5, deviation: Math.sqrt(2 / 3), greatest: 2.5 }],
    });
    const labels = await look(folder, '--data', 'tags.csv', '--task', 'multilabel', '--target', 'a,b');
    expect(labels.parts[0]).toMatchObject({
      classes: [
        { name: 'a', examples: 2 },
        { name: 'b', examples: 1 },
      ],
      values: [],
    });
    expect(labels.duplicates[0]!.examples.map(({ label }) => label)).toEqual(['a', 'a, b']);
  });
});
