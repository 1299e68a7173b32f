import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { type CsvOptions, loadCsv } from '../src/index.js';
import { allOf } from './all-of.js';
import { temporaryFolder } from './temporary-folder.js';

const header = 'label,pixel1,pixel2,pixel3,pixel4';

async function load(content: string | Uint8Array, options?: CsvOptions, name = 'data.csv') {
  return loadCsv(join(await temporaryFolder({ [name]: content }), name), options);
}

describe('loadCsv', () => {
  test("loads Kaggle's form: square images of one channel", async () => {
    const dataset = await load(`${header}\n9,0,1,2,255\n0,3,4,5,6\n`);
    expect(dataset.features).toEqual({ shape: [1, 2, 2], dtype: 'uint8' });
    expect(allOf(dataset)).toEqual({ features: [0, 1, 2, 255, 3, 4, 5, 6], labels: [9, 0] });
  });

  test('takes other shapes when asked, and class names', async () => {
    const dataset = await load('label,a,b,c\n1,7,8,9\n', { shape: [3, 1, 1], classNames: ['left', 'right'] });
    expect(dataset.features.shape).toEqual([3, 1, 1]);
    expect(dataset.classNames).toEqual(['left', 'right']);
    expect(allOf(dataset)).toEqual({ features: [7, 8, 9], labels: [1] });
  });

  test('reads gzip', async () => {
    const dataset = await load(gzipSync(`${header}\n9,0,1,2,255\n`), {}, 'data.csv.gz');
    expect(allOf(dataset)).toEqual({ features: [0, 1, 2, 255], labels: [9] });
  });

  test.each([
    ['no last line end', `${header}\n9,0,1,2,255`],
    ['carriage returns and empty lines', `${header}\r\n\r\n9,0,1,2,255\r\n\r\n`],
    ['a byte order mark', `\uFEFF${header}\n9,0,1,2,255\n`],
    ['a byte order mark before a quote', `\uFEFF"label",p1,p2,p3,p4\n9,0,1,2,255\n`],
    ['commas and quotes within a name', 'label,"p,1","p ""2""",p3,p4\n9,0,1,2,255\n'],
    ['two kinds of line ends', `${header}\r\n\n9,0,1,2,255\n\r\n`],
    ['quotes, spaces and decimal points', '"label", "p1",p2 ,p3,p4\n"9","0" , 1,2.0,255.\n'],
    ['the label in another column', 'pixel1,pixel2,label,pixel3,pixel4\n0,1,9,2,255\n'],
  ])('reads %s', async (_, content) => {
    expect(allOf(await load(content))).toEqual({ features: [0, 1, 2, 255], labels: [9] });
  });

  test('gives back any images, however they are written', async () => {
    const file = join(await temporaryFolder(), 'data.csv');
    const images = fc.integer({ min: 1, max: 5 }).chain((side) =>
      fc.array(
        fc.record({
          label: fc.integer({ min: 0, max: 9999 }),
          pixels: fc.uint8Array({ minLength: side * side, maxLength: side * side }),
        }),
        { minLength: 1, maxLength: 5 },
      ),
    );
    const forms = fc.constantFrom<(value: number) => string>(
      String,
      (value) => `"${value}"`,
      (value) => ` ${value}.0`,
    );
    const run = fc.asyncProperty(images, forms, fc.constantFrom('\n', '\r\n'), async (rows, form, lineEnd) => {
      const names = Array.from(rows[0].pixels, (_, i) => `pixel${i}`);
      const lines = rows.map(({ label, pixels }) => [label, ...pixels].map(form).join(','));
      await writeFile(file, [`label,${names.join(',')}`, ...lines].join(lineEnd));
      expect(allOf(await loadCsv(file))).toEqual({
        features: rows.flatMap(({ pixels }) => [...pixels]),
        labels: rows.map(({ label }) => label),
      });
    });
    await fc.assert(run, { numRuns: 50 });
  });

  test('takes names as classes, in their sorted order or in that of the class names', async () => {
    const content = 'label,p1\nshirt,7\nbag,8\nshirt,9\n';
    const dataset = await load(content);
    expect(dataset.classNames).toEqual(['bag', 'shirt']);
    expect(allOf(dataset)).toEqual({ features: [7, 8, 9], labels: [1, 0, 1] });
    expect(allOf(await load(content, { classNames: ['shirt', 'bag'] })).labels).toEqual([0, 1, 0]);
  });

  test('takes one or several values to predict', async () => {
    const one = await load('target,p1\n-1.5,7\n2e3,8\n', { task: 'regress' });
    expect(one.valueNames).toEqual(['target']);
    expect(one.labels).toEqual({ shape: [1], dtype: 'float32' });
    expect([one.get(0), one.get(1).label]).toEqual([
      { features: Uint8Array.of(7), label: Float32Array.of(-1.5) },
      Float32Array.of(2000),
    ]);
    const two = await load('x,p1,y\n1,7,2\n', { task: 'regress', targets: ['y', 'x'] });
    expect(two.valueNames).toEqual(['y', 'x']);
    expect(two.get(0)).toEqual({ features: Uint8Array.of(7), label: Float32Array.of(2, 1) });
  });

  test('takes several labels: columns of 0 and 1, or names in one column', async () => {
    const flags = await load('red,round,p1\n1,0,7\n0,1,8\n', { task: 'multilabel', targets: ['red', 'round'] });
    expect(flags.classNames).toEqual(['red', 'round']);
    expect(flags.get(1)).toEqual({ features: Uint8Array.of(8), label: Float32Array.of(0, 1) });
    const lists = await load('labels,p1\nround | red,7\n,8\nred;big,9\n', { task: 'multilabel' });
    expect(lists.classNames).toEqual(['big', 'red', 'round']);
    expect([0, 1, 2].map((i) => [...(lists.get(i).label as Float32Array)])).toEqual([
      [0, 1, 1],
      [0, 0, 0],
      [1, 1, 0],
    ]);
  });

  test('reads the images that it lists, and leaves out those that cannot be read', async () => {
    const pixel = (value: number) =>
      sharp(Uint8Array.of(value), { raw: { width: 1, height: 1, channels: 1 } })
        .png()
        .toBuffer();
    const folder = await temporaryFolder({
      'list.csv': 'filename,label,age\nin/1.png,shirt,1\nnone.png,none,2\n2.png,bag,3\n',
      'in/1.png': await pixel(10),
      '2.png': await pixel(20),
    });
    const file = join(folder, 'list.csv');
    const dataset = await loadCsv(file);
    expect(dataset.classNames).toEqual(['bag', 'shirt']);
    expect(dataset.features.shape).toEqual([1, 1, 1]);
    expect(allOf(dataset)).toEqual({ features: [10, 20], labels: [1, 0] });
    expect(dataset.skipped).toEqual([{ file: join(folder, 'none.png'), reason: 'no such file or folder' }]);
    const values = await loadCsv(file, { task: 'regress', targets: ['age'], size: [1, 2], channels: 3 });
    expect(values.features.shape).toEqual([3, 1, 2]);
    expect(values.get(1)).toEqual({ features: new Uint8Array(6).fill(20), label: Float32Array.of(3) });
    await expect(loadCsv(file, { strict: true })).rejects.toThrow('none.png: no such file or folder');
    // Without a usual name, all other columns are targets.
    await writeFile(file, 'image,x,y\n2.png,1,0\n');
    expect((await loadCsv(file, { task: 'regress' })).valueNames).toEqual(['x', 'y']);
    expect((await loadCsv(file, { task: 'multilabel' })).classNames).toEqual(['x', 'y']);
    await expect(loadCsv(file)).rejects.toThrow('expected a column named label between commas, got "image,x,y"; name');
  });

  test('reads lines that are longer than what is read at once', async () => {
    const side = 700;
    const pixels = Array.from({ length: side * side }, (_, i) => i % 256);
    const dataset = await load(`label,${pixels.map((_, i) => `p${i}`).join(',')}\n1,${pixels.join(',')}\n`);
    expect(dataset.features.shape).toEqual([1, side, side]);
    expect(allOf(dataset).features).toEqual(pixels);
  });
});

describe('loadCsv refuses', () => {
  const names = ['a', 'b', 'c'];
  test.each<[string, string, string, CsvOptions?]>([
    ['an empty file', '', ': the file is empty; give a file whose first line is a header such as label,pixel1'],
    ['a header alone', `${header}\n`, ': there is nothing after the header; add one line per image'],
    [
      'a missing header',
      '9,0,1,2,255\n',
      ':1: expected a header, got numbers; give a file whose first line is a header',
    ],
    [
      'a missing label',
      'id,pixel1\n1,2\n',
      ':1: expected a column named label between commas, got "id,pixel1"; training needs labels: give',
    ],
    ['another encoding', 'l\0a\0b\0e\0l\0', ':1: expected text in UTF-8; save the file as UTF-8'],
    [
      'another format',
      '\u001f\u008b\n',
      ':1: expected a column named label between commas, got "\\u001f\u008b"; training needs labels',
    ],
    [
      'no pixels',
      'label\n1\n',
      ':1: 0 pixel columns (all but label) make no square image; leave out columns that are not pixels; other images need a network',
    ],
    [
      'a number of pixels that is no square',
      'label,a,b,c\n1,2,3,4\n',
      ':1: 3 pixel columns (all but label) make no square image; leave out columns that are not pixels; for images in colour, ask for 3 channels (--channels 3)',
    ],
    [
      'a number of pixels that is no square in colour',
      header,
      ':1: 4 pixel columns (all but label) make no square image in colour; leave out',
      { channels: 3 },
    ],
    [
      'a shape that does not fit',
      header,
      ':1: 4 pixel columns (all but label) do not fill an image of the shape [3, 2, 2]; leave out',
      { shape: [3, 2, 2] },
    ],
    [
      'a line too short',
      `${header}\n1,0,0,0,0\n1,0,0,0\n`,
      ':3: expected 5 values as in the header, got 4; correct or remove',
    ],
    [
      'a line too long',
      `${header}\n\n1,0,0,0,0,0\n`,
      ':3: expected 5 values as in the header, got 6; correct or remove',
    ],
    [
      'a quote without its end',
      `${header}\n1,0,0,0,0\n1,"0,0,0,0\n1,0,0,0,0\n`,
      ':3: a quote opens in this line and is not closed; close the quote',
    ],
    [
      'a class number that is none',
      `${header}\n1,0,0,0,0\n1000000,0,0,0,0\n`,
      ':3: label is "1000000", expected an integer',
    ],
    [
      'a quote that takes all the rest',
      `${header}\n1,0,0,0,0\n1,"0,0,0,0\n${'1,0,0,0,0\n'.repeat(1.2e6)}`,
      ':3: the line has more than 8388608 characters, as after a quote that is not closed',
    ],
    [
      'more names than classes can be',
      `label,p\n${Array.from({ length: 10_001 }, (_, i) => `n${i},0\n`).join('')}`,
      ':10002: these are 10001 different names in 10001 lines',
    ],
    [
      'a label that is no integer',
      `${header}\n1.5,0,0,0,0\n`,
      ':2: label is "1.5", expected an integer from 0 to 9999; number the classes',
    ],
    [
      'a label that is a word after numbers',
      `${header}\n1,0,0,0,0\nboot,0,0,0,0\n`,
      ':3: label is "boot", expected an integer from 0 to 9999; number the classes from 0, or name them all',
    ],
    [
      'a label that is a number after words',
      `${header}\nboot,0,0,0,0\n7,0,0,0,0\n`,
      ':3: label is "7", expected a name, as in the lines before; number the classes',
    ],
    ['an empty label', `${header}\n,0,0,0,0\n`, ':2: label is "", expected an integer'],
    [
      'a name that is none of the class names',
      `${header}\nd,0,0,0,0\n`,
      ':2: label is "d", expected one of the class names a, b, c',
      { classNames: names },
    ],
    [
      'a target that is not there',
      `${header}\n1,0,0,0,0\n`,
      ':1: expected a column named age between commas, got "label,pixel1',
      { targets: ['age'] },
    ],
    [
      'several targets for one class',
      'label,a,p1\n1,0,0\n',
      ':1: expected a column named label between commas, got "label,a,p1"; name the one to learn (--target)',
      { targets: ['label', 'a'] },
    ],
    [
      'a target that is no number',
      'target,p1\nmuch,0\n',
      ':2: target is "much", expected a number; correct or remove the line',
      { task: 'regress' },
    ],
    [
      'a label other than 0 and 1, of several',
      'a,b,p1\n1,2,0\n',
      ':2: b is "2", expected 0 or 1, or a single column named labels',
      { task: 'multilabel', targets: ['a', 'b'] },
    ],
    ['images of which none can be read', 'image,label\nnone.png,1\n', ': none of the 1 images can be read ('],
    ['a negative label', `${header}\n-1,0,0,0,0\n`, ':2: label is "-1", expected an integer from 0'],
    [
      'a label beyond the class names',
      `${header}\n3,0,0,0,0\n`,
      ':2: label is "3", expected an integer from 0 to 2; number the classes',
      { classNames: names },
    ],
    ['a label beyond int32', `${header}\n2147483648,0,0,0,0\n`, ':2: label is "2147483648", expected an integer'],
    [
      'a pixel above 255',
      `${header}\n1,0,256,0,0\n`,
      ':2: pixel2 is "256", expected an integer from 0 to 255; correct or remove the line',
    ],
    ['a negative pixel', `${header}\n1,0,0,-1,0\n`, ':2: pixel3 is "-1", expected an integer from 0 to 255'],
    ['a fraction of a pixel', `${header}\n1,0,0,0,0.5\n`, ':2: pixel4 is "0.5", expected an integer from 0 to 255'],
    ['an empty pixel', `${header}\n1,,0,0,0\n`, ':2: pixel1 is "", expected an integer from 0 to 255'],
    [
      'an endless number',
      `${header}\n1,${'9'.repeat(999)},0,0,0\n`,
      `:2: pixel1 is "${'9'.repeat(40)}…", expected an integer`,
    ],
  ])('%s', async (_, content, message, options) => {
    const file = join(await temporaryFolder({ 'data.csv': content }), 'data.csv');
    await expect(loadCsv(file, options)).rejects.toMatchObject({
      name: 'BnError',
      code: 'data',
      message: expect.stringContaining(`${file}${message}`),
    });
  });

  test('gzip that is damaged or cut off', async () => {
    const packed = gzipSync(`${header}\n9,0,1,2,255\n`);
    await expect(load(packed.subarray(0, -4), {}, 'data.csv.gz')).rejects.toMatchObject({
      code: 'data',
      message: expect.stringMatching(
        /data.csv.gz: the gzip data is damaged or cut off \(.+\); download or copy it again/,
      ),
    });
  });

  test('a missing file', async () => {
    const file = join(await temporaryFolder(), 'no.csv');
    const message = (name: string) => `${name}: no such file or folder; give the path of a CSV file`;
    await expect(loadCsv(file)).rejects.toMatchObject({ code: 'file', message: message(file) });
    await expect(loadCsv(`${file}.gz`)).rejects.toMatchObject({ code: 'file', message: message(`${file}.gz`) });
  });
});
