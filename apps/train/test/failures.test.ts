// What goes wrong while a run is loaded or trained: a message, an exit code, nothing overwritten.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metricsOf, smallFlags, smallFolder, train, writeIdx } from './small-run.js';

describe('backends', () => {
  it('are found by path, by package.json, and as packages of the working folder or of the app', async () => {
    const folder = smallFolder();
    const manifest = { name: 'mine', version: '1.2.3', type: 'module', exports: { '.': { import: './b.js' } } };
    for (const at of ['mine', 'node_modules/mine', 'node_modules/@bn/mine-too']) {
      mkdirSync(join(folder, at), { recursive: true });
      writeFileSync(join(folder, at, 'package.json'), JSON.stringify(manifest));
      const where = JSON.stringify(`found in ${at}`);
      writeFileSync(join(folder, at, 'b.js'), `export async function createBackend() { throw new Error(${where}); }`);
    }
    for (const [backend, message] of [
      ['./mine', 'found in mine'],
      ['mine/b.js', 'found in mine'],
      ['mine', 'found in node_modules/mine'],
      ['mine-too', 'found in node_modules/@bn/mine-too'],
      ['@bn/mine-too', 'found in node_modules/@bn/mine-too'],
    ] as const) {
      const { code, stderr } = await train(folder, [...smallFlags, '--backend', backend]);
      expect({ backend, code, stderr }).toEqual({
        backend,
        code: 1,
        stderr: `error: ${message} (BN_DEBUG=1 shows where)\n`,
      });
    }
    expect((await train(folder, [...smallFlags, '--epochs', '1', '--backend', '@bn/reference'])).code).toBe(0);
  });

  it.each([
    ['nowhere', 2, /unknown backend 'nowhere'; installed: .*reference.*npm install @bn\/<name>/],
    ['./nowhere', 2, /--backend .*nowhere: there is no such file or folder; installed: .*reference/],
    ['./net.ts', 2, /net\.ts: not a backend; it must export createBackend/],
    ['./data', 2, /data: the folder has no package\.json/],
    ['./broken.mjs', 1, /the backend .*broken\.mjs does not load \(.*out of order/],
  ])('%s is an error', async (backend, code, message) => {
    const folder = smallFolder();
    writeFileSync(join(folder, 'broken.mjs'), 'throw new Error("out of order");');
    const result = await train(folder, [...smallFlags, '--backend', backend]);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toMatch(message);
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  it('may be chosen by BN_BACKEND', async () => {
    const { stderr } = await train(smallFolder(), [], { env: { BN_BACKEND: 'nowhere' } });
    expect(stderr).toContain("unknown backend 'nowhere'");
  });
});

describe('networks', () => {
  it.each([
    ['export default 3;', 2, 'expected a network as the default export'],
    ['export const net = () => 3;', 2, 'expected a network as the default export'],
    ['export default (', 1, 'does not load'],
    ['import "./missing.js"; export default 3;', 1, 'does not load'],
    ['import { flatten } from "@bn/core"; export default flatten();', 1, 'let it end in dense('],
    ['import { conv2d } from "@bn/core"; export default conv2d(3, { kernelSize: 3 });', 1, 'expected [batch, classes]'],
    ['import { conv2d } from "@bn/core"; export default conv2d(3, { kernelSize: 30 });', 1, 'conv2d'],
    ['export default () => { throw new Error("my mistake"); };', 1, 'other.ts: the network fails: my mistake'],
    ['export default () => { throw undefined; };', 1, 'other.ts: the network fails: it throws undefined'],
    ['throw null;', 1, 'does not load: it throws null'],
    [
      'export default (x) => { x; };',
      1,
      "other.ts: the network returns undefined instead of a tensor; is a 'return' missing",
    ],
    [
      'export default async (x) => x;',
      1,
      'other.ts: the network returns a promise instead of a tensor; a layer is an ordinary',
    ],
    [
      'export default { network: (x) => x, input: { shape: "abc" } };',
      1,
      "other.ts: a model's input is like { shape: ",
    ],
    ['export default { network: (x) => x, input: null };', 1, "other.ts: a model's input is like { shape: "],
    [
      'import { flatten, sequential } from "@bn/core"; export default sequential({ a: flatten(), b: (x) => null });',
      1,
      "other.ts: the layer 'b' returns null instead of a tensor",
    ],
    [
      'import { flatten, sequential } from "@bn/core"; export default sequential({ a: flatten(), b: "relu" });',
      1,
      "other.ts: 'b' is relu, not a layer: a function (x, scope)",
    ],
    [
      'import { defineModel, flatten } from "@bn/core"; export default defineModel(flatten(), { input: { shape: [null, 3, 8, 8], dtype: "float32" } });',
      1,
      'the model takes float32 [batch, 3, 8, 8], but the data is uint8 [2, 1, 8, 8]',
    ],
  ])('%s', async (source, code, message) => {
    const folder = smallFolder();
    // Labels up to 99, above the 64 outputs of flatten() alone.
    writeIdx(join(folder, 'data'), { train: 100, t10k: 30 }, { classes: 100 });
    writeFileSync(join(folder, 'other.ts'), source);
    const result = await train(folder, [...smallFlags, '--model', './other.ts']);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(message);
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  it.each(['lenet', 'lenet-bn', 'lenet-bn-scratch'])(
    '%s is made for the size and classes of the data',
    async (model) => {
      const folder = smallFolder();
      writeIdx(join(folder, 'data'), { train: 12, t10k: 4 }, { side: 17, classes: 4 });
      const { code, stderr } = await train(folder, [...smallFlags, '--model', model, '--epochs', '1', '--out', 'run']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(Object.keys(metricsOf(join(folder, 'run'))[0]!.batchNorm)).toHaveLength(model === 'lenet' ? 0 : 4);
    },
  );

  it('that augmentation cannot change are told so without blame: it is the default for photographs', async () => {
    const folder = smallFolder();
    const source =
      'import { defineModel } from "@bn/core"; export default defineModel((x) => x, { input: { shape: [null, 1, 8, 8], dtype: "uint8" } });';
    writeFileSync(join(folder, 'bytes.ts'), source);
    const { code, stderr } = await train(folder, [...smallFlags, '--model', './bytes.ts', '--augment', 'strong']);
    expect(code).toBe(1);
    expect(stderr).toContain('this one takes uint8 [batch, 1, 8, 8]; give --augment none');
  });

  it('built-in ones say which images are too small for them, and what to do', async () => {
    const flags = (model: string, side: number) => ['summary', '--model', model, '--image-size', `${side}`];
    const cure = 'enlarge image files by --image-size 16, or give --model resnet10, which takes any size';
    expect(await train(smallFolder(), [...smallFlags, '--model', 'vgg11'])).toMatchObject({
      code: 1,
      stderr: `error: vgg11 takes images of at least 16×16, and these are 8×8; ${cure}\n`,
    });
    expect((await train(smallFolder(), flags('vgg11', 16))).code).toBe(0);
    expect((await train(smallFolder(), flags('resnet10', 1))).code).toBe(0);
  });
});

describe('data', () => {
  const csv = (rows: number) =>
    `label,${'p,'.repeat(63)}p\n${Array.from({ length: rows }, (_, i) => `${i % 3}${',7'.repeat(64)}\n`).join('')}`;

  it('without a test part has a tenth held out', async () => {
    const folder = smallFolder();
    writeFileSync(join(folder, 'a.csv'), csv(40));
    const { code, stdout } = await train(folder, [...smallFlags, '--data', 'a.csv', '--epochs', '1']);
    expect(code).toBe(0);
    expect(stdout).toContain(
      '32 training, 4 validation and 4 test examples of 8×8 grey (validation and test held out by seed 0)',
    );
  });

  it('is tested on --test-data, of an IDX folder its test part', async () => {
    const folder = smallFolder();
    writeFileSync(join(folder, 'a.csv'), csv(40));
    const flags = [...smallFlags, '--epochs', '1', '--keep', 'last', '--json', '--data'];
    const idx = await train(folder, [...flags, 'a.csv', '--test-data', 'data']);
    expect(idx.stdout).toContain('40 training and 30 test examples of 8×8 grey"');
    const table = await train(folder, [...flags, 'data', '--test-data', 'a.csv', '--limit', '50']);
    expect(table.stdout).toContain('50 training and 40 test examples of 8×8 grey"');
  });

  it('in folders of images may have a folder train and a folder test', async () => {
    const folder = smallFolder();
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==';
    for (const part of ['train/a', 'train/b', 'test/a', 'test/b']) {
      mkdirSync(join(folder, 'images', part), { recursive: true });
      for (const i of [1, 2]) writeFileSync(join(folder, 'images', part, `${i}.png`), Buffer.from(png, 'base64'));
    }
    const { code, stdout } = await train(folder, [
      ...smallFlags,
      '--data',
      'images',
      '--model',
      'lenet-bn',
      '--epochs',
      '1',
      '--image-size',
      '28',
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('3 training, 1 validation and 4 test examples of 28×28 grey');

    const sized = [...smallFlags, '--image-size', '28'];
    const other = await train(folder, [...sized, '--data', 'images/train', '--test-data', 'images']);
    expect(other.code).toBe(0);
    mkdirSync(join(folder, 'images/test/c'));
    writeFileSync(join(folder, 'images/test/c/1.png'), Buffer.from(png, 'base64'));
    const odd = await train(folder, [...sized, '--data', 'images']);
    expect(odd).toMatchObject({ code: 1 });
    expect(odd.stderr).toContain('the test data has the classes a, b, c, but the training data a, b');
  });

  it.each([
    [['--limit', '91'], 2, '--limit 91: there are only 81 training examples'],
    [['--data', 'net.ts'], 2, 'expected a .csv or .npz file, or a folder'],
    [['--data', 'empty.csv'], 1, 'empty.csv: the file is empty'],
    [['--data', 'one.csv'], 1, 'one example is too few to hold out test data'],
    [
      ['--test-data', 'wide'],
      1,
      'training examples are uint8 [1, 8, 8] with classes, but test examples uint8 [1, 9, 9] with classes',
    ],
    [
      ['--data', 'many'],
      1,
      'the network gives 3 values for an example, but the data has 4 classes; let it end in dense(4)',
    ],
  ])('%s is an error', async (flags, code, message) => {
    const folder = smallFolder();
    writeFileSync(join(folder, 'empty.csv'), '');
    writeFileSync(join(folder, 'one.csv'), csv(1));
    writeIdx(join(folder, 'wide'), { train: 9, t10k: 9 }, { side: 9 });
    writeIdx(join(folder, 'many'), { train: 9, t10k: 9 }, { classes: 4 });
    const result = await train(folder, [...smallFlags, ...flags]);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(message);
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  it('that is odd is trained on with a warning', async () => {
    const folder = smallFolder();
    const flags = [...smallFlags, '--limit', '2', '--keep', 'last', '--epochs', '1'];
    const { code, stdout } = await train(folder, flags);
    expect(code).toBe(0);
    expect(stdout).toContain('warning: classes without training examples: 2');
    expect(stdout).toContain('warning: 2 training examples for 3 classes are few');
    expect(stdout).toContain('warning: the batch size 32 is above the 2 training examples');
  });
});

describe('training', () => {
  it('that diverges stops and keeps the last good checkpoint', async () => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--epochs', '1', '--out', 'run']);
    const checkpoint = readFileSync(join(folder, 'run', 'checkpoint.safetensors'));
    const config = join(folder, 'run', 'config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace('"learningRate": 0.1', '"learningRate": 1e38'));
    const { code, stdout, stderr } = await train(folder, ['--resume', 'run', '--epochs', '3', '--json']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/epoch 2, step \d: the loss is .*the checkpoint after epoch 1 is kept/s);
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({ type: 'error', code: 'not-finite' });
    expect(readFileSync(join(folder, 'run', 'checkpoint.safetensors'))).toEqual(checkpoint);
  });

  it('that learns nothing gets a hint, but not before it had a hundred steps or ends; other training none', async () => {
    const folder = smallFolder();
    const idle = await train(folder, [...smallFlags, '--learning-rate', '1e-30', '--epochs', '2']);
    expect(idle.stdout.match(/warning: the loss of \d\.\d+ is no better than a guess among 3 classes/g)).toHaveLength(
      1,
    );
    expect(idle.stdout.indexOf('warning: the loss')).toBeGreaterThan(idle.stdout.indexOf('epoch 2/2'));
    expect((await train(folder, smallFlags)).stdout).not.toContain('no better than a guess');
  });

  it('that diverges before anything is kept does not speak of going on', async () => {
    const { code, stderr } = await train(smallFolder(), [...smallFlags, '--learning-rate', '1e38']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/epoch 1, step \d: the loss is .*\(no epoch was finished\)/s);
  });

  it('of one image at a time is refused by batch normalization', async () => {
    const folder = smallFolder();
    writeIdx(join(folder, 'data'), { train: 9, t10k: 9 }, { side: 17 });
    const { code, stderr } = await train(folder, [...smallFlags, '--model', 'lenet-bn', '--batch-size', '1']);
    expect(code).toBe(1);
    expect(stderr).toContain('one value per channel');
  });

  it('that cannot write its report says so, keeps the run and exports it', async () => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--epochs', '1', '--out', 'run']);
    rmSync(join(folder, 'run', 'report.html'));
    mkdirSync(join(folder, 'run', 'report.html'));
    const { code, stdout, stderr } = await train(folder, ['--resume', 'run', '--export', 'm.onnx']);
    expect(code).toBe(1);
    expect(stdout).toContain('recorded in run');
    expect(stderr).toMatch(
      /the training is done, but not its report: .*report\.html.*the checkpoint after epoch 1 is kept/,
    );
    expect(existsSync(join(folder, 'm.onnx'))).toBe(true);
  });

  it('that is stopped while it loads records nothing', async () => {
    const folder = smallFolder();
    const { code, stdout, stderr } = await train(folder, smallFlags, { stopped: true });
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toContain('nothing was recorded');
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  it('cannot be recorded in a file', async () => {
    const { code, stderr } = await train(smallFolder(), [...smallFlags, '--out', 'net.ts/run']);
    expect(code).toBe(1);
    expect(stderr).toContain('net.ts: cannot be written: a file has that name; choose another folder');
  });
});
