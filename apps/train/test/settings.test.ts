// Flags, environment and configuration files.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writePhotographs } from '../../../packages/datasets/test/photographs.js';
import { flagOf, knobNames } from '../src/config/knobs.js';
import { type Flags, readSettings } from '../src/config/settings.js';
import { train } from './small-run.js';

function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'bn-settings-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

describe('settings', () => {
  const io = { cwd: '/home/me', env: {} };

  it('have the textbook as their defaults', async () => {
    const { config, ...rest } = await readSettings({}, io);
    expect(rest).toEqual({ resume: null, out: null, export: null, tensorboard: false, dashboard: null, json: false });
    expect(config).toEqual({
      ...{
        backend: 'auto',
        device: 'auto',
        engine: null,
        threads: null,
        exact: false,
        model: 'lenet-bn',
        data: 'fashion-mnist',
      },
      ...{
        weights: null,
        testData: null,
        limit: null,
        epochs: 10,
        batchSize: 256,
        microBatch: null,
        syncBn: 'on',
        learningRate: 1,
        optimizer: 'sgd',
        momentum: null,
      },
      ...{
        weightDecay: null,
        decayAll: false,
        clip: null,
        keep: 'last',
        keepBy: 'loss',
        patience: null,
        average: 'none',
        schedule: 'constant',
        warmupEpochs: 0,
        bnConvention: null,
        bnMomentum: null,
      },
      ...{ norm: null, bnEpsilon: null, bnImported: 'frozen', seed: 0 },
      ...{ output: null, gives: null, pixels: null, task: 'classify', target: null },
      ...{ imageSize: null, channels: null, augment: 'none', classWeights: null, sampling: null, strict: false },
      ...{ newHead: false, freeze: null, unfreezeAfter: null },
    });
  });

  it('for photographs are others, unless they are given; a resumed run has what its config.json says', async () => {
    const cwd = folderWith({ 'grey.csv': '' });
    await writePhotographs(join(cwd, 'photos'), 8);
    const defaults = async (flags: Flags) => (await readSettings(flags, { cwd, env: {} })).config;
    const data = 'photos';
    expect(await defaults({ data })).toMatchObject({
      ...{ model: 'resnet10', augment: 'strong', optimizer: 'adamw', learningRate: 0.003 },
      ...{ weightDecay: 0.3, schedule: 'cosine', batchSize: 16, epochs: 150, imageSize: null, channels: null },
      ...{ keep: 'best' },
    });
    expect(await defaults({ data, augment: 'none', epochs: 2 })).toMatchObject({ augment: 'none', epochs: 2 });
    const plain = { weightDecay: null };
    expect(await defaults({ data, optimizer: 'sgd' })).toMatchObject({
      ...plain,
      model: 'resnet10',
      learningRate: 0.1,
    });
    expect(await defaults({ data, model: 'a.onnx' })).toMatchObject({ ...plain, augment: 'none', learningRate: 0.001 });
    const others = { model: 'lenet-bn', augment: 'none', optimizer: 'sgd', batchSize: 256, epochs: 10 };
    expect(await defaults({ data, channels: '1' })).toMatchObject({ model: 'resnet10', augment: 'strong' });
    expect(await defaults({ data, channels: '1', imageSize: 28 })).toMatchObject(others);
    expect(await defaults({ data: 'grey.csv' })).toMatchObject(others);
    writeFileSync(join(cwd, 'config.json'), JSON.stringify({ data, task: 'classify', epochs: 3 }));
    expect(await defaults({ resume: '.' })).toMatchObject({ ...others, epochs: 3 });
  });

  it('give a new head alone a larger rate than a network, on photographs and on other data', async () => {
    const cwd = folderWith({ 'grey.csv': '' });
    await writePhotographs(join(cwd, 'photos'), 8);
    const headAlone = { newHead: true, freeze: 'backbone' } as const;
    const rate = async (flags: Flags) => (await readSettings(flags, { cwd, env: {} })).config.learningRate;
    for (const given of [{ data: 'photos' }, { data: 'grey.csv', optimizer: 'adamw' }] as const) {
      for (const network of [{ model: 'net.onnx' }, { weights: 'net.safetensors' }]) {
        expect(await rate({ ...given, ...network, ...headAlone })).toBe(0.01);
      }
      expect(await rate({ ...given, model: 'net.onnx', newHead: true, freeze: 'conv1' })).toBe(0.001);
    }
  });

  it('take flags before the environment, that before the file, that before the defaults', async () => {
    const cwd = folderWith({
      'c.json': '{"backend": "file", "epochs": 4, "batchSize": 64, "limit": null, "json": true}',
    });
    const file = { config: 'c.json' };
    const both = await readSettings({ ...file, epochs: 5 }, { cwd, env: { BN_BACKEND: 'environment' } });
    expect(both).toMatchObject({
      json: true,
      config: { backend: 'environment', epochs: 5, batchSize: 64, limit: null },
    });
    const flag = await readSettings({ ...file, backend: 'flag' }, { cwd, env: { BN_BACKEND: 'environment' } });
    expect(flag.config.backend).toBe('flag');
    expect((await readSettings(file, { cwd, env: { BN_BACKEND: '' } })).config.backend).toBe('file');
  });

  it('keep the best epoch of one’s own data, and wherever there is validation', async () => {
    const keptOf = async (flags: Flags) => (await readSettings(flags, io)).config.keep;
    expect(
      await Promise.all([{}, { data: 'a.csv' }, { patience: 3 }, { schedule: 'plateau' as const }].map(keptOf)),
    ).toEqual(['last', 'best', 'best', 'best']);
    expect(await keptOf({ data: 'a.csv', keep: 'last' })).toBe('last');
  });

  it('make paths absolute, so that a run can be resumed from anywhere', async () => {
    const flags = {
      backend: './mine',
      model: 'net.ts',
      data: 'a.csv',
      testData: '../b',
      out: 'runs/x',
      resume: undefined,
    };
    const { config, out } = await readSettings(flags, io);
    expect(config).toMatchObject({
      backend: '/home/me/mine',
      model: '/home/me/net.ts',
      data: '/home/me/a.csv',
      testData: '/home/b',
    });
    expect(out).toBe('/home/me/runs/x');
  });

  it('have a file to export to in a folder that there is, or that the run makes', async () => {
    const run = { out: 'run', export: 'run/model.onnx' };
    expect(await readSettings(run, io)).toMatchObject({ out: '/home/me/run', export: '/home/me/run/model.onnx' });
    await expect(readSettings({ export: 'nowhere/model.onnx' }, io)).rejects.toThrow(
      '--export nowhere/model.onnx: there is no folder /home/me/nowhere; make it first',
    );
  });

  it('choose the learning rate by the network and the optimizer', async () => {
    expect((await readSettings({ model: 'lenet' }, io)).config.learningRate).toBe(1);
    expect((await readSettings({ model: './net.ts' }, io)).config.learningRate).toBe(0.1);
    expect((await readSettings({ model: './net.ts', optimizer: 'adam' }, io)).config.learningRate).toBe(0.001);
    expect((await readSettings({ optimizer: 'adam' }, io)).config.learningRate).toBe(0.001);
    expect((await readSettings({ optimizer: 'adam', learningRate: 0.01 }, io)).config.learningRate).toBe(0.01);
  });
});

describe('a resumed run', () => {
  const resumed = (config: object) => {
    const cwd = folderWith({ 'config.json': JSON.stringify(config) });
    return (flags: Flags, env = {}) => readSettings({ resume: '.', ...flags }, { cwd, env });
  };

  it('on another backend leaves device and engine, which were chosen for the first', async () => {
    const resume = resumed({ backend: 'tfjs-cuda', device: 'cuda', engine: 'native', threads: 3 });
    const kept = { backend: 'tfjs-cuda', device: 'cuda', engine: 'native', threads: 3 };
    expect((await resume({ backend: 'tfjs-cuda' })).config).toMatchObject(kept);
    expect((await resume({ backend: 'wasm' })).config).toMatchObject({ device: 'auto', engine: null, threads: 3 });
    expect((await resume({ backend: 'mine', engine: 'turbo' })).config).toMatchObject({ engine: 'turbo' });
  });

  it('from before a knob was there goes on as it was', async () => {
    expect((await resumed({ optimizer: 'adamw', epochs: 3 })({})).config).toMatchObject({
      ...{ decayAll: true, keep: 'last' },
    });
    expect((await resumed({ decayAll: false })({})).config).toMatchObject({ decayAll: false });
  });

  it('that is to have the same bits everywhere does not go on with a backend without such a mode', async () => {
    const resume = resumed({ backend: 'wasm', exact: true });
    const why = 'the run was made with --exact, for the same bits on all machines, and only wasm has such a mode';
    const cure = 'give --backend wasm, or start a new run';
    await expect(resume({ backend: 'tfjs-cuda' })).rejects.toThrow(`--backend tfjs-cuda: ${why}; ${cure}`);
    await expect(resume({}, { BN_BACKEND: 'mine' })).rejects.toThrow(`BN_BACKEND is mine: ${why}; ${cure}`);
    expect((await resume({ backend: 'auto' })).config).toMatchObject({ backend: 'auto', exact: true });
  });

  it('with statistics of each part of a batch does not go on with parts of another size', async () => {
    const resume = resumed({ microBatch: 32, syncBn: 'off' });
    const why = 'the run was made with 32, and --sync-bn off normalizes each part by itself';
    await expect(resume({ microBatch: 16 })).rejects.toThrow(`--micro-batch 16: ${why}`);
    expect((await resume({ microBatch: 32 })).config).toMatchObject({ microBatch: 32, syncBn: 'off' });
    expect((await resumed({ microBatch: 32 })({ microBatch: 16 })).config).toMatchObject({ microBatch: 16 });
  });
});

describe('a call with a mistake', () => {
  const wholeNumber = 'expected a whole number of at least 1';
  it.each([
    ['--foo', "unknown option '--foo'"],
    ['--epohcs 3', 'Did you mean --epochs?'],
    ['--epochs', "option '--epochs <n>' argument missing"],
    ['--config --limit', '--config: the value is missing before --limit'],
    ['--epochs 3 4', 'too many arguments'],
    ['exprot', "unknown command 'exprot'; the commands are"],
    ['--epochs 1.5', `--epochs: ${wholeNumber}, got '1.5'`],
    ['--batch-size 0', `--batch-size: ${wholeNumber}, got '0'`],
    ['--limit 0', `--limit: ${wholeNumber}, got '0'`],
    ['--threads 0', '--threads: expected a whole number from 1 to 1024'],
    ['--seed -1', '--seed: expected a whole number from 0 to 2147483647'],
    ['--learning-rate 0', "--learning-rate: expected a number above 0, got '0'"],
    ['--learning-rate NaN', "--learning-rate: expected a number above 0, got 'NaN'"],
    ['--momentum 1', '--momentum: expected a number from 0 to below 1'],
    ['--warmup-epochs -1', '--warmup-epochs: expected a number of at least 0'],
    ['--bn-momentum 1.1', '--bn-momentum: expected a number from 0 to 1'],
    ['--bn-epsilon 0', '--bn-epsilon: expected a number above 0'],
    ['--device gpu', "--device: expected one of auto, cuda, webgpu, cpu, got 'gpu'"],
    ['--optimizer lion', '--optimizer: expected one of sgd, adam, adamw, rmsprop'],
    ['--schedule linear', '--schedule: expected one of constant, step, cosine, one-cycle, plateau'],
    ['--keep-by accuracy', '--keep-by has no effect here: there is no validation'],
    ['--schedule one-cycle --warmup-epochs 2', '--warmup-epochs has no effect here: one-cycle has a rise of its own'],
    ['--bn-convention jax', '--bn-convention: expected one of d2l, onnx, torch, keras'],
    ['--batch-size 64 --micro-batch 64', '--micro-batch has no effect here: a batch has 64 images'],
    ['--sync-bn off', '--sync-bn off has no effect here: one process computes whole batches; give --micro-batch'],
    ['find-rate --sync-bn off', '--sync-bn off has no effect here: one process computes whole batches'],
    [
      '--optimizer adam --momentum 0.9',
      '--momentum has no effect here: it is for sgd and rmsprop, not adam; leave it out',
    ],
    ['--model lenet --bn-momentum 0.5', '--bn-momentum has no effect here'],
    ['--model lenet-bn-scratch --bn-convention torch', '--bn-convention has no effect here'],
    [
      '--model resnet18 --norm group --bn-momentum 0.5',
      '--bn-momentum has no effect here: it is for built-in networks with',
    ],
    ['--model ./net.ts --norm group', '--norm has no effect here: it is for built-in networks'],
    ['--bn-imported trained', '--bn-imported has no effect here: it is for models from .onnx files'],
    ['--exact --backend tfjs-cuda', '--exact: tfjs-cuda has no such mode, only wasm has'],
    ['--config nowhere.json', 'nowhere.json: there is no such file'],
    ['--resume nowhere', 'the folder holds no run'],
    ['--model nowhere', "unknown model 'nowhere'; built in: lenet-bn, lenet-bn-scratch, lenet"],
    ['--model ./nowhere.ts', "unknown model '/"],
    ['--data nowhere', 'there is no such data; give fashion-mnist'],
  ])('%s', async (flags, message) => {
    const folder = folderWith({});
    const { code, stdout, stderr } = await train(folder, flags!.split(' '));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^error: .*\n$/);
  });

  it('is told to programs too, and with its stack on request', async () => {
    const { stdout, stderr } = await train('/', ['--json', '--epochs', '0'], { env: { BN_DEBUG: '1' } });
    const message = `--epochs: ${wholeNumber}, got '0'`;
    expect(JSON.parse(stdout)).toEqual({ type: 'error', code: 'usage', message });
    expect(stderr).toContain('UsageError: --epochs');
  });
});

describe('a configuration file with a mistake', () => {
  it.each([
    ['{"epochs": "3"}', '"epochs": expected a whole number of at least 1, got "3"'],
    ['{"epochs": null}', '"epochs": expected a whole number of at least 1, got null'],
    ['{"epochs": 2.5}', '"epochs": expected a whole number of at least 1, got 2.5'],
    ['{"batch-size": 3}', 'unknown key "batch-size"; the keys are backend, device'],
    ['{"__proto__": 3}', 'unknown key "__proto__"'],
    ['{"json": 1}', '"json": expected true or false, got 1'],
    ['{"model": ""}', '"model": expected some text, got ""'],
    [
      '{"augment": [{"flip": true}, {"mixup": 0}]}',
      'a list such as [{"flip": …}] of flip (true or false), shift (a number',
    ],
    ['{"augment": [{"flip": true, "shift": 0.1}]}', '"augment": expected one of none, light, standard, strong'],
    ['{"resume": "runs/x"}', 'unknown key "resume"'],
    ['[1]', 'expected a JSON object'],
    ['{"epochs": 3', 'not valid JSON'],
    ['', 'not valid JSON'],
  ])('%s', async (content, message) => {
    const { code, stderr } = await train(folderWith({ 'c.json': content }), ['--config', 'c.json']);
    expect(code).toBe(2);
    expect(stderr).toContain('c.json');
    expect(stderr).toContain(message);
  });
});

it('--help has every flag, and the examples', async () => {
  for (const flag of ['--help', '-h']) {
    const { code, stdout, stderr } = await train('/', [flag]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of [...knobNames, 'config', 'resume', 'help']) expect(stdout).toContain(`${flagOf(name)} `);
    expect(stdout).toContain('[default 256: enough for');
    expect(stdout).toContain('npx -y pnpm@12.21.0 train --resume');
  }
});

it('an output folder that holds a run is left as it is', async () => {
  const folder = folderWith({});
  for (const file of ['config.json', 'checkpoint.safetensors', 'metrics.jsonl']) {
    mkdirSync(join(folder, file.slice(0, 3)));
    writeFileSync(join(folder, file.slice(0, 3), file), 'precious');
    const { code, stderr } = await train(folder, ['--out', file.slice(0, 3)]);
    expect(code).toBe(2);
    expect(stderr).toContain(`already holds a run (${join(folder, file.slice(0, 3), file)})`);
  }
});
