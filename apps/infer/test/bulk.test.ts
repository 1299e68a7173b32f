// `infer bulk` in one process: what it writes, how it goes on, and what it refuses. Kills are in bulk.verify.ts.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { multiLabel } from '@bn/core';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { parquetWriteFile } from 'hyparquet-writer';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ShardWorker } from '../src/bulk/do-shards.js';
import { inputsOf, partFile, planIn } from '../src/bulk/work-folder.js';
import { infer, lightIn, png, taken, testFolder, whereTheLightIs } from './small-model.js';

const flags = ['--backend', 'reference', '--workers', '1'];
const bulk = (folder: string, ...args: string[]) => infer(folder, ['bulk', 'model.onnx', ...args, ...flags]);
const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8');

/** Seven images, of which the fifth is none. */
async function sevenImages(): Promise<string> {
  const images = await Promise.all(
    Array.from({ length: 7 }, async (_, i) => [`in/${i}.png`, i === 4 ? 'broken' : await lightIn(i % 4)] as const),
  );
  return testFolder({ 'model.onnx': whereTheLightIs(), ...Object.fromEntries(images) });
}

/** Does some shards of a call, as one that was killed then has. */
async function begin(folder: string, args: readonly string[], shards: readonly number[]): Promise<string> {
  const out = join(folder, args[args.indexOf('--out') + 1]!);
  const { code } = await infer(folder, ['bulk', 'model.onnx', ...args, ...flags], { stopped: true });
  expect(code).toBe(130);
  const worker = new ShardWorker({ backend: 'reference', workingFolder: folder });
  const plan = (await planIn(`${out}.parts`))!.id;
  for (const shard of shards) await worker.do({ folder: `${out}.parts`, plan, shard }, new AbortController().signal);
  await worker.dispose();
  return `${out}.parts`;
}

describe('the output', () => {
  it.each(['csv', 'jsonl'])(
    'as .%s has the rows of infer, in the order of the images, and why there is none',
    async (form) => {
      const folder = await sevenImages();
      const { code, stdout, stderr } = await bulk(
        folder,
        'in',
        '--out',
        `p.${form}`,
        '--shard-size',
        '3',
        '--top',
        '2',
      );
      expect(code).toBe(1);
      expect(stdout).toMatch(/^p\.\w+: 7 images; [\d,]+ images\/s, \d+% of the time waiting for decoding\n$/);
      expect(stderr).toBe(`${taken}1 of 7 images have no answer; their rows say why\n`);
      const classified = await infer(folder, [
        'model.onnx',
        'in',
        '--top',
        '2',
        ...flags.slice(0, 2),
        form === 'csv' ? '--csv' : '--json',
      ]);
      const lines = read(folder, `p.${form}`).trimEnd().split('\n');
      const problem = /4\.png: expected a PNG, .* got something else; convert the image, or leave it out/;
      if (form === 'jsonl') {
        expect(lines.map((line) => JSON.parse(line))).toEqual(
          classified.stdout
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line)),
        );
        expect(JSON.parse(lines[4]!)).toMatchObject({
          type: 'error',
          code: 'data',
          message: expect.stringMatching(problem),
        });
      } else {
        expect(lines[0]).toBe('image,class,probability,class2,probability2,error');
        const answered = lines.filter((_, i) => i !== 0 && i !== 5);
        expect(answered.map((line) => line.replace(/,$/, ''))).toEqual(
          classified.stdout.trimEnd().split('\n').slice(1),
        );
        expect(lines[5]).toMatch(new RegExp(`^in.4\\.png,,,,,"in.${problem.source}"$`));
      }
      expect(readdirSync(folder).sort()).toEqual(['in', 'model.onnx', `p.${form}`]);
    },
  );

  it('as .parquet has texts and numbers, and null where there is nothing', async () => {
    const folder = await sevenImages();
    await bulk(folder, 'in/*', '--out', 'p.parquet');
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(join(folder, 'p.parquet')) });
    expect(rows.map(({ image }) => image)).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `in/${i}.png`));
    expect(rows[6]).toEqual({
      image: 'in/6.png',
      class: 'bottom left',
      probability: expect.closeTo(0.9479, 4),
      error: null,
    });
    expect(rows[4]).toMatchObject({ class: null, probability: null, error: expect.stringContaining('in/4.png: ') });
  });

  it('as .parquet of a model of labels has a list of them, and of names that are taken a second one', async () => {
    const classNames = JSON.stringify(['image', 'right', 'labels', 'error']);
    const folder = testFolder({
      'model.onnx': whereTheLightIs({ metadata: { classNames }, objective: multiLabel(), bias: -2 }),
      'a.png': await png(0, 255, 0, 0),
      'b.png': await png(0, 0, 0, 0),
      'c.png': 'broken',
    });
    await bulk(folder, 'a.png', 'b.png', 'c.png', '--out', 'p.parquet');
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(join(folder, 'p.parquet')) });
    expect(Object.keys(rows[0]!)).toEqual(['image', 'labels', 'image 2', 'right', 'labels 2', 'error', 'error 2']);
    expect(rows.map(({ labels }) => labels ?? null)).toEqual([['right'], [], null]);
    expect(rows.map(({ right }) => right)).toEqual([
      expect.closeTo(1 / (1 + Math.exp(-2)), 6),
      expect.closeTo(1 / (1 + Math.exp(2)), 6),
      null,
    ]);
  });

  it('of a list is in its order', async () => {
    const folder = await sevenImages();
    writeFileSync(join(folder, 'list.txt'), 'in/3.png\r\n\r\nin/0.png\nin/gone.png');
    const { code } = await bulk(folder, '--list', 'list.txt', '--out', 'p.csv', '--shard-size', '2');
    expect(code).toBe(1);
    const images = read(folder, 'p.csv')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(',').slice(0, 2));
    expect(images.slice(1)).toEqual([
      ['in/3.png', 'bottom right'],
      ['in/0.png', 'top left'],
      ['in/gone.png', ''],
    ]);
  });

  it('of Parquet files has the names that are in them, else their rows, group by group', async () => {
    const folder = testFolder({ 'model.onnx': whereTheLightIs() });
    const bytes = await Promise.all([0, 1, 2, 3].map(lightIn));
    // As Spark reads files, and as Hugging Face's data sets have images.
    const content = { name: 'content', data: bytes, type: 'BYTE_ARRAY' } as const;
    const path = { name: 'path', data: ['a.png', 'b.png', 'c.png', 'd.png'], type: 'STRING' as const };
    parquetWriteFile({ filename: join(folder, 'spark.parquet'), columnData: [path, content], rowGroupSize: 3 });
    parquetWriteFile({
      filename: join(folder, 'hub.parquet'),
      columnData: [
        {
          name: 'image',
          data: [
            { bytes: bytes[2], path: 'e.png' },
            { bytes: bytes[1], path: null },
            { bytes: null, path: null },
          ],
        },
      ],
      schema: [
        { name: 'root', num_children: 1 },
        { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
        { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
        { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      ],
    });
    const { code } = await bulk(folder, 'spark.parquet', 'hub.parquet', '--out', 'p.csv', '--shard-size', '2');
    expect(code).toBe(1);
    const rows = read(folder, 'p.csv')
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',').slice(0, 2));
    expect(rows).toEqual([
      ['a.png', 'top left'],
      ['b.png', 'top right'],
      ['c.png', 'bottom left'],
      ['d.png', 'bottom right'],
      ['e.png', 'bottom left'],
      ['hub.parquet#1', 'top right'],
      ['hub.parquet#2', ''],
    ]);
    expect(read(folder, 'p.csv')).toContain('hub.parquet#2: expected a PNG');
  });
});

describe('a call that was ended', () => {
  it('goes on: what is done is not done again, and nothing is there twice', async () => {
    const folder = await sevenImages();
    const call = ['in', '--out', 'p.jsonl', '--shard-size', '2'];
    const parts = await begin(folder, call, [0, 2]);
    // Nobody else would answer that.
    writeFileSync(partFile(parts, 0), read(parts, '00000.jsonl').replaceAll('top left', 'done before'));
    // As it is killed while it writes.
    writeFileSync(join(parts, '.00001.jsonl.x.tmp'), '{"type":"image","image":"in/2.png",');
    const { code, stderr } = await bulk(folder, ...call);
    expect(code).toBe(1);
    expect(stderr).toContain('4 of 7 images are done already\n');
    const lines = read(folder, 'p.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ image }) => image)).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => join('in', `${i}.png`)));
    expect(lines.map((line) => line.class ?? line.type)).toEqual([
      'done before',
      'top right',
      'bottom left',
      'bottom right',
      'error',
      'top right',
      'bottom left',
    ]);
    expect(existsSync(parts)).toBe(false);
  });

  it('after its output was written, but not all of the rest removed, is finished by the next', async () => {
    const folder = await sevenImages();
    const call = ['in', '--out', 'p.csv', '--shard-size', '3'];
    const parts = await begin(folder, call, [0, 1, 2]);
    writeFileSync(join(folder, 'p.csv'), 'image\n');
    expect((await bulk(folder, ...call)).code).toBe(1);
    expect(read(folder, 'p.csv').split('\n')).toHaveLength(9);
    expect(existsSync(parts)).toBe(false);
  });

  it.each([
    [
      'the model',
      'another model (',
      (folder: string) => writeFileSync(join(folder, 'model.onnx'), whereTheLightIs({ shift: 1 })),
      [],
    ],
    [
      'the images',
      'another list of images (7 then, 8 now)',
      async (folder: string) => writeFileSync(join(folder, 'in/9.png'), await lightIn(1)),
      [],
    ],
    ['an option', 'other options (invert was false)', () => {}, ['--invert']],
  ] as const)('is refused with a change of %s, until it is begun anew', async (_, difference, change, more) => {
    const folder = await sevenImages();
    const call = ['in', '--out', 'p.csv', '--shard-size', '2'];
    const parts = await begin(folder, call, [0]);
    await change(folder);
    const { code, stderr } = await bulk(folder, ...call, ...more);
    expect(code).toBe(2);
    expect(stderr).toContain(`error: ${parts} holds the unfinished work of a call with ${difference}`);
    expect(stderr).toContain('; finish that call, or give --restart to begin anew\n');
    expect(existsSync(partFile(parts, 0))).toBe(true);
    const again = await bulk(folder, ...call, ...more, '--restart');
    expect(again.stderr).not.toContain('done already');
    expect(again.code).toBe(1);
  });

  it('with a part that something has changed says which', async () => {
    const folder = await sevenImages();
    const call = ['in', '--out', 'p.csv', '--shard-size', '2'];
    const parts = await begin(folder, call, [0]);
    writeFileSync(partFile(parts, 0), '');
    const { code, stderr } = await bulk(folder, ...call);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `error: ${partFile(parts, 0)}: expected 2 lines, got 0: something else has changed the file; remove it`,
    );
    expect(existsSync(join(folder, 'p.csv'))).toBe(false);
  });

  it('leaves what others have put beside its parts', async () => {
    const folder = await sevenImages();
    const parts = await begin(folder, ['in', '--out', 'p.csv'], [0]);
    writeFileSync(join(parts, 'notes.txt'), 'mine');
    await bulk(folder, 'in', '--out', 'p.csv');
    expect(readdirSync(parts)).toEqual(['notes.txt']);
  });
});

it('shards are cut after so many images, and each has its own lines', async () => {
  const folder = await sevenImages();
  const parts = await begin(folder, ['in', '--out', 'p.csv', '--shard-size', '3'], []);
  const { shards } = (await planIn(parts))!;
  expect(shards.map(([, , images]) => images)).toEqual([3, 3, 1]);
  expect(await inputsOf(parts, shards[1]!)).toEqual([3, 4, 5].map((i) => join('in', `${i}.png`)));
});

describe('refused are', () => {
  it.each([
    [['in'], "required option '--out <file>' not specified; --help lists the flags", 2],
    [['in', '--out', 'p.xml'], '--out p.xml: expected a name that ends in one of .csv, .jsonl, .parquet', 2],
    [['in', '--out', 'gone/p.csv'], '--out gone/p.csv: there is no folder ', 2],
    [['--out', 'p.csv'], 'there are no images; name files, folders or patterns, or a --list', 2],
    [['in', '--list', 'in/4.png', '--out', 'p.csv'], '--list: give images by it or by name, not both', 2],
    [['--list', 'gone.txt', '--out', 'p.csv'], 'gone.txt: cannot be read: ', 1],
    [['in', '--out', 'p.csv', '--redis', 'localhost'], '--redis: expected a URL such as redis://localhost:6379', 2],
    [
      ['in', '--out', 'p.csv', '--redis', 'redis://localhost', '--workers', '2'],
      '--workers has no effect here: with --redis it',
      2,
    ],
    [['nothing*', '--out', 'p.csv'], 'nothing*: no file matches this pattern; correct it', 2],
    [['gone.parquet', '--out', 'p.csv'], 'gone.parquet: cannot be read: ', 1],
    [['in/0.parquet', '--out', 'p.csv'], 'in/0.parquet: not a readable Parquet file (', 1],
    [['in', '--out', 'p.csv', '--workers', '0'], "--workers: expected a whole number from 1 to 256, got '0'", 2],
  ] as const)('%j', async (args, message, code) => {
    const folder = await sevenImages();
    writeFileSync(join(folder, 'in/0.parquet'), await png(0, 0, 0, 0));
    const given = await infer(folder, ['bulk', 'model.onnx', ...args]);
    expect(given.stderr).toContain(`error: ${message}`);
    expect(given.code).toBe(code);
    expect(existsSync(join(folder, 'p.csv.parts'))).toBe(false);
  });

  it('an output that is there already, until it is to be done again', async () => {
    const folder = await sevenImages();
    writeFileSync(join(folder, 'p.csv'), 'kept\n');
    const { code, stderr } = await bulk(folder, 'in', '--out', 'p.csv');
    expect(stderr).toContain(
      'error: --out p.csv: the file is there already; give another name, or --restart to do it again\n',
    );
    expect([code, read(folder, 'p.csv')]).toEqual([2, 'kept\n']);
    expect((await bulk(folder, 'in', '--out', 'p.csv', '--restart')).code).toBe(1);
    expect(read(folder, 'p.csv')).toMatch(/^image,/);
  });

  it('Parquet files without images, saying what they have', async () => {
    const folder = testFolder({ 'model.onnx': whereTheLightIs() });
    parquetWriteFile({
      filename: join(folder, 'a.parquet'),
      columnData: [{ name: 'image', data: ['a.png'], type: 'STRING' }],
    });
    const { code, stderr } = await bulk(folder, 'a.parquet', '--out', 'p.csv');
    expect(stderr).toContain(
      'error: a.parquet: expected a column image (or img, content, bytes, data) with the bytes of image files, found image; rename it',
    );
    expect(code).toBe(1);
  });
});

describe('a worker', () => {
  const signal = new AbortController().signal;
  const begun = async () => {
    const folder = await sevenImages();
    const parts = await begin(folder, ['in', '--out', 'p.csv'], []);
    const { id } = (await planIn(parts))!;
    const worker = new ShardWorker({ backend: 'reference', workingFolder: folder });
    onTestFinished(() => worker.dispose());
    return { folder, worker, task: { folder: parts, plan: id, shard: 0 } };
  };

  it('does nothing for work that is finished, or was begun anew since', async () => {
    const { worker, task } = await begun();
    expect(await worker.do({ ...task, plan: 'of before' }, signal)).toMatchObject({ images: 0 });
    expect(existsSync(partFile(task.folder, 0))).toBe(false);
  });

  it('says that it lacks the folder', async () => {
    const { worker, task } = await begun();
    const gone = join(task.folder, 'not', 'here');
    await expect(worker.do({ ...task, folder: gone }, signal)).rejects.toMatchObject({
      code: 'file',
      message: `${join(task.folder, 'not')} is not on this machine; mount it, and the folders of model and images, under the same paths`,
    });
  });

  it('says that its model is another one', async () => {
    const { folder, worker, task } = await begun();
    writeFileSync(join(folder, 'model.onnx'), whereTheLightIs({ shift: 1 }));
    await expect(worker.do(task, signal)).rejects.toMatchObject({
      code: 'data',
      message: `${join(folder, 'model.onnx')}: not the model that the call was begun with; put that one there again`,
    });
  });
});
