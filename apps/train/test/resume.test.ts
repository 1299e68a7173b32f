// An interrupted run, continued, ends as if it had not been interrupted.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSafetensors, encodeSafetensors } from '@bn/core';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { lockRun } from '../src/run/lock-run.js';
import { metricsOf, resultOf, smallFlags, smallFolder, train, uninterrupted, writeIdx } from './small-run.js';

describe('a run', () => {
  it('records all of its files, and is the same each time', async () => {
    const folder = smallFolder();
    const { code, stdout, stderr } = await train(folder, [...smallFlags, '--out', 'run']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('test acc with recalibrated statistics');
    expect(stdout).toContain('bn.gamma [');
    const run = join(folder, 'run');
    expect(resultOf(run)).toEqual(await uninterrupted());
    expect(metricsOf(run).map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    const two = [expect.any(Number), expect.any(Number)];
    expect(metricsOf(run)[0]!.batchNorm).toEqual({ bn: { gamma: two, beta: two } });
    for (const file of ['report.html', 'curves.svg']) expect(readFileSync(join(run, file), 'utf8')).not.toBe('');
  });

  it('differs with another seed', async () => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--seed', '1', '--out', 'run']);
    expect(resultOf(join(folder, 'run')).tensors).not.toEqual((await uninterrupted()).tensors);
  });

  it('can be repeated from its config.json', async () => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--out', 'a']);
    expect((await train(folder, ['--config', 'a/config.json', '--out', 'b'])).code).toBe(0);
    expect(resultOf(join(folder, 'b'))).toEqual(resultOf(join(folder, 'a')));
  });
});

it('a run with the backend left open records which one it took', async () => {
  const folder = smallFolder();
  const flags = [...smallFlags.slice(2), '--device', 'cpu', '--epochs', '1', '--out', 'run'];
  expect((await train(folder, flags)).stdout).toContain('by wasm on cpu');
  expect(JSON.parse(readFileSync(join(folder, 'run', 'config.json'), 'utf8'))).toMatchObject({ backend: 'wasm' });
});

it('a run of the same bits on all machines does without multiply-adds that round once', async () => {
  const folder = smallFolder();
  const flags = [...smallFlags.slice(2), '--exact', '--epochs', '1', '--out', 'run'];
  expect((await train(folder, flags)).stdout).toContain('by wasm on cpu (WebAssembly, SIMD, ');
  expect(JSON.parse(readFileSync(join(folder, 'run', 'config.json'), 'utf8'))).toMatchObject({
    backend: 'wasm',
    exact: true,
  });
});

it('augmented images are the same after an interruption, and are not in what is exported', async () => {
  const folder = smallFolder();
  const augment = [{ flip: true }, { rotate: 15 }, { contrast: 0.3 }, { erase: 0.25 }, { mixup: 0.4 }];
  writeFileSync(join(folder, 'all.json'), JSON.stringify({ augment }));
  const flags = [...smallFlags, '--config', 'all.json'];
  await train(folder, [...flags, '--out', 'whole', '--export', 'whole.onnx']);
  await train(folder, [...flags, '--epochs', '1', '--out', 'parts']);
  expect((await train(folder, ['--resume', 'parts', '--epochs', '3'])).code).toBe(0);
  expect(resultOf(join(folder, 'parts')).tensors).toEqual(resultOf(join(folder, 'whole')).tensors);
  expect(resultOf(join(folder, 'whole')).tensors).not.toEqual((await uninterrupted()).tensors);
  expect(readFileSync(join(folder, 'whole.onnx'), 'latin1')).not.toMatch(/Gather|random/);
});

it('batches in parts, whose images are mixed, go on with the same bits after an interruption', async () => {
  const folder = smallFolder();
  writeFileSync(join(folder, 'mixed.json'), JSON.stringify({ augment: [{ mixup: 0.4 }] }));
  const flags = [...smallFlags, '--config', 'mixed.json', '--epochs', '2'];
  const parts = [...flags, '--micro-batch', '12'];
  await train(folder, [...flags, '--out', 'whole']);
  await train(folder, [...parts, '--out', 'parts']);
  await train(folder, [...parts, '--epochs', '1', '--out', 'resumed']);
  expect((await train(folder, ['--resume', 'resumed', '--epochs', '2'])).code).toBe(0);
  const tensorsOf = (run: string) => resultOf(join(folder, run)).tensors;
  expect(tensorsOf('resumed')).toEqual(tensorsOf('parts'));
  for (const [path, { data }] of tensorsOf('whole')!) {
    const other = tensorsOf('parts')!.get(path)!.data;
    data.forEach((v, i) => {
      expect(Math.abs(other[i]! - v), path).toBeLessThan(1e-3);
    });
  }
});

it.each([['--sampling'], ['--class-weights']])(
  '%s balanced is for classes of unequal size, goes on with the same bits',
  async (flag) => {
    const folder = smallFolder();
    const lines = Array.from({ length: 60 }, (_, i) => [
      i % 6 === 0 ? 1 : 0,
      ...Array.from({ length: 64 }, (_, j) => (i * j * 7) % 256),
    ]);
    const header = ['label', ...lines[0]!.slice(1).map((_, j) => `pixel${j}`)];
    writeFileSync(join(folder, 'data.csv'), [header, ...lines].map((line) => line.join()).join('\n'));
    const flags = [...smallFlags, '--data', 'data.csv', '--epochs', '2'];
    const plain = await train(folder, [...flags, '--out', 'plain']);
    const warning =
      'the classes are unequal: 0 has 41 examples, 1 has 8; --class-weights balanced or --sampling balanced makes';
    expect(plain.stdout).toContain(warning);
    const whole = await train(folder, [...flags, flag, 'balanced', '--out', 'whole']);
    expect(whole.stdout).not.toContain('unequal');
    await train(folder, [...flags, flag, 'balanced', '--epochs', '1', '--out', 'parts']);
    expect((await train(folder, ['--resume', 'parts', '--epochs', '2'])).code).toBe(0);
    expect(resultOf(join(folder, 'parts'))).toEqual(resultOf(join(folder, 'whole')));
    expect(resultOf(join(folder, 'whole')).tensors).not.toEqual(resultOf(join(folder, 'plain')).tensors);
  },
);

describe('resume', () => {
  // Steps within an epoch count from 1; there are 3 of them.
  const at = (epoch: number, step: number) => new RegExp(`"type":"step","epoch":${epoch},"step":${step},`);

  it.each([
    ['within the first epoch', at(1, 1)],
    ['within the second epoch', at(2, 2)],
    ['at the end of an epoch', /"type":"epoch","epoch":2/],
    ['at an evaluation', /"type":"evaluation","epoch":1/],
    ['at the last evaluation', /"type":"evaluation","epoch":3/],
  ])('after a stop %s gives the same bits', async (_, moment) => {
    const folder = smallFolder();
    const run = join(folder, 'run');
    const stopped = await train(folder, [...smallFlags, '--out', 'run', '--json'], { stopAt: moment });
    expect(stopped.code).toBe(130);
    expect(stopped.stdout).toContain('npx -y pnpm@12.21.0 train --resume run');
    expect(existsSync(join(run, 'report.html'))).toBe(false);
    expect((await train(folder, ['--resume', 'run'])).code).toBe(0);
    expect(resultOf(run)).toEqual(await uninterrupted());
    expect(existsSync(join(run, 'report.html'))).toBe(true);
  });

  it("gives the same bits with TensorBoard's event files, of which each process begins one", async () => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--tensorboard', '--out', 'run', '--json'], { stopAt: at(2, 1) });
    expect((await train(folder, ['--resume', 'run', '--tensorboard'])).code).toBe(0);
    expect(resultOf(join(folder, 'run'))).toEqual(await uninterrupted());
    expect(readdirSync(join(folder, 'run')).filter((name) => name.startsWith('events.out.tfevents.'))).toHaveLength(2);
  });

  it('after two stops gives the same bits', async () => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--out', 'run', '--json'], { stopAt: at(1, 2) });
    expect((await train(folder, ['--resume', 'run', '--json'], { stopAt: at(3, 1) })).code).toBe(130);
    expect((await train(folder, ['--resume', 'run'])).code).toBe(0);
    expect(resultOf(join(folder, 'run'))).toEqual(await uninterrupted());
  });

  it('goes on from any folder, for more epochs, and writes a report that got lost', async () => {
    const folder = smallFolder();
    const run = join(folder, 'run');
    await train(folder, [...smallFlags, '--epochs', '1', '--out', 'run']);
    expect(await train('/', ['--resume', run, '--epochs', '3'])).toMatchObject({ code: 0, stderr: '' });
    expect(resultOf(run)).toEqual(await uninterrupted());
    expect(JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')).epochs).toBe(3);

    rmSync(join(run, 'report.html'));
    expect((await train(folder, ['--resume', 'run'])).code).toBe(0);
    expect(resultOf(run)).toEqual(await uninterrupted());
    expect(existsSync(join(run, 'report.html'))).toBe(true);
  });

  it('starts at the beginning when there is neither a checkpoint nor a metric, and not when only one is missing', async () => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--epochs', '1', '--out', 'run']);
    for (const file of ['checkpoint.safetensors', 'checkpoint.previous.safetensors']) {
      rmSync(join(folder, 'run', file), { force: true });
    }
    const { code, stderr } = await train(folder, ['--resume', 'run', '--epochs', '3']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/checkpoint\.safetensors is missing, but the run has metrics; put it back, or/);
    rmSync(join(folder, 'run', 'metrics.jsonl'));
    expect((await train(folder, ['--resume', 'run', '--epochs', '3'])).code).toBe(0);
    expect(resultOf(join(folder, 'run'))).toEqual(await uninterrupted());
  });

  it.each([
    ['damaged', (file: string) => writeFileSync(file, readFileSync(file).fill(1, 2000, 2003))],
    ['cut off', (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 2000))],
    ['missing', (file: string) => rmSync(file)],
  ])('goes on from the previous checkpoint when the newest is %s', async (_, harm) => {
    const folder = smallFolder();
    const run = join(folder, 'run');
    await train(folder, [...smallFlags, '--epochs', '2', '--out', 'run']);
    harm(join(run, 'checkpoint.safetensors'));
    rmSync(join(run, 'best.safetensors'));
    const exported = await train(folder, ['export', 'run', '--format', 'torch', '--out', 'x.safetensors']);
    expect(exported).toMatchObject({ code: 0 });
    expect(exported.stderr).toContain('checkpoint.previous.safetensors takes its place, from after epoch 1');
    const { code, stdout } = await train(folder, ['--resume', 'run', '--epochs', '3']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/warning: .*checkpoint\.previous\.safetensors takes its place, from after epoch 1/);
    expect(resultOf(run)).toEqual(await uninterrupted());
  });

  it.each([
    ['fewer examples', { train: 80, t10k: 30 }, {}, 'the training data has changed .* 81 examples, now 72 examples'],
    ['other test data', { train: 90, t10k: 31 }, {}, 'the test data has changed .* 30 examples, now 31 examples'],
    ['other labels', { train: 90, t10k: 30 }, { classes: 2 }, 'the training data has changed .* other values in them'],
    ['other sizes', { train: 90, t10k: 30 }, { side: 9 }, 'the training data has changed .*8, 8.*, now .*9, 9'],
  ])('refuses data with %s', async (_, counts, options, message) => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--epochs', '1', '--out', 'run']);
    writeIdx(join(folder, 'data'), counts, options);
    const { code, stderr } = await train(folder, ['--resume', 'run', '--epochs', '2']);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(message));
  });

  it('warns of a network file that has changed but fits', async () => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--epochs', '1', '--out', 'run']);
    writeFileSync(join(folder, 'net.ts'), readFileSync(join(folder, 'net.ts'), 'utf8').replace('relu()', '(x) => x'));
    const { code, stdout } = await train(folder, ['--resume', 'run', '--epochs', '2']);
    expect(code).toBe(0);
    expect(stdout).toContain("warning: the network's file has changed since the run began");
  });

  it('is refused while another process has the run, but not after it was killed', async () => {
    const folder = smallFolder();
    const run = join(folder, 'run');
    await train(folder, [...smallFlags, '--epochs', '1', '--out', 'run']);
    const unlock = await lockRun(run);
    const refused = await train(folder, ['--resume', 'run', '--epochs', '3']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      new RegExp(`process ${process.pid} is training this run since \\d{4}-.*; wait for it`),
    );
    expect((await train(folder, [...smallFlags, '--out', 'run'])).code).toBe(2);
    expect((await train(folder, ['export', 'run', '--format', 'torch'])).code).toBe(0);
    const [lock] = readdirSync(run).filter((name) => name.startsWith('.lock-'));
    const mine = JSON.parse(readFileSync(join(run, lock!), 'utf8'));
    await unlock();

    // Left by others: one that has ended, one whose number another process has now, one of a machine that was switched off.
    const dead = { ...mine, pid: execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).trim() };
    const far = { ...mine, machine: 'elsewhere' };
    const write = (name: string, owner: object) =>
      writeFileSync(join(run, `.lock-${name}.json`), JSON.stringify(owner));
    write('dead', { ...dead, pid: Number(dead.pid) });
    if (process.platform === 'linux') write('reused', { ...mine, began: '1' });
    write('far', far);
    writeFileSync(join(run, '.checkpoint.safetensors.1.tmp'), '');
    expect((await train(folder, ['--resume', 'run', '--epochs', '3'])).stderr).toMatch(
      /process \d+ on elsewhere is training this run since .*; if it has ended, delete .*\.lock-far\.json/,
    );
    utimesSync(join(run, '.lock-far.json'), 1, 1);
    expect(await train(folder, ['--resume', 'run', '--epochs', '3'])).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(run).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(resultOf(run)).toEqual(await uninterrupted());
  });

  it('refuses flags that would make it another run', async () => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--epochs', '2', '--out', 'run']);
    for (const [flags, message] of [
      [['--batch-size', '16'], '--batch-size cannot change when a run is resumed'],
      [['--seed', '1', '--model', 'lenet'], '--seed, --model cannot change when a run is resumed'],
      [['--config', 'run/config.json'], '--config cannot change'],
      [['--out', 'other'], '--out cannot change'],
      [['--epochs', '1'], 'the run has 2 epochs already; give 2 or more'],
    ] as const) {
      const { code, stderr } = await train(folder, ['--resume', 'run', ...flags]);
      expect(code).toBe(2);
      expect(stderr).toContain(message);
    }
  });

  it('refuses a checkpoint that is cut off or belongs to another model, and leaves it', async () => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--epochs', '1', '--out', 'run']);
    const file = join(folder, 'run', 'checkpoint.safetensors');
    const whole = readFileSync(file);
    const cut = whole.subarray(0, whole.length - 5);

    writeFileSync(file, cut);
    const damaged = await train(folder, ['--resume', 'run', '--epochs', '2']);
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toMatch(/checkpoint\.safetensors: .*incomplete; it may be cut off/);
    expect(readFileSync(file)).toEqual(cut);

    writeFileSync(file, whole);
    const config = join(folder, 'run', 'config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace('net.ts', 'wide.ts'));
    writeFileSync(
      join(folder, 'wide.ts'),
      readFileSync(join(folder, 'net.ts'), 'utf8').replace('conv2d(2', 'conv2d(4'),
    );
    const other = await train(folder, ['--resume', 'run', '--epochs', '2']);
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(
      /file has changed.*checkpoint\.safetensors: 'conv\.weight' is \[2, 1, 3, 3\], but .* \[4, 1, 3, 3\]/,
    );
    expect(readFileSync(file)).toEqual(whole);
  });

  it('refuses a folder without a run', async () => {
    const { code, stderr } = await train(smallFolder(), ['--resume', 'data']);
    expect(code).toBe(2);
    expect(stderr).toContain('the folder holds no run');
  });

  it('goes on with a run of version 0.1.0 with the images that it had, grey and 28×28, and exports it', async () => {
    const folder = smallFolder();
    const colours = { red: [9, 0, 0], green: [0, 9, 0] };
    for (const [name, rgb] of Object.entries(colours)) {
      mkdirSync(join(folder, 'images', name), { recursive: true });
      for (let i = 0; i < 12; i++) {
        const pixels = Uint8Array.from({ length: 300 }, (_, at) => rgb[at % 3]! * (1 + ((at * i) % 20)));
        const png = encode({ width: 10, height: 10, channels: 3, data: pixels });
        writeFileSync(join(folder, 'images', name, `${i}.png`), png);
      }
    }
    writeFileSync(join(folder, 'net.ts'), readFileSync(join(folder, 'net.ts'), 'utf8').replace('= 3', '= 2'));
    const flags = [...smallFlags, '--data', 'images', '--epochs', '1', '--image-size', '28', '--channels', '1'];
    await train(folder, [...flags, '--out', 'run']);
    const config = join(folder, 'run', 'config.json');
    const since = ['task', 'target', 'imageSize', 'channels', 'strict', 'output', 'gives', 'pixels'];
    const { learningRate, ...rest } = JSON.parse(readFileSync(config, 'utf8'));
    const earlier = Object.entries(rest).filter(([name]) => !since.includes(name));
    writeFileSync(config, JSON.stringify({ ...Object.fromEntries(earlier), learningRate }));
    const file = join(folder, 'run', 'checkpoint.safetensors');
    const { tensors, metadata } = decodeSafetensors(new Uint8Array(readFileSync(file)));
    const { signature: _, ...known } = metadata;
    writeFileSync(file, encodeSafetensors(tensors, known));

    for (const epochs of [2, 3]) {
      const { code, stdout, stderr } = await train(folder, ['--resume', 'run', '--epochs', `${epochs}`]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('examples of 28×28 grey');
      expect(metricsOf(join(folder, 'run'))).toHaveLength(epochs);
    }
    expect(JSON.parse(readFileSync(config, 'utf8'))).toMatchObject({ earlier: true, task: 'classify' });
    expect((await train(folder, ['export', 'run'])).code).toBe(0);
  });
});
