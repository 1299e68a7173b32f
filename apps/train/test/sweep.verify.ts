// Sweeps whose processes are killed, by workers on a real Redis too, which is itself killed: the end is the same to the last bit.
// BN_SWEEP_TRIALS=50 makes it as many trials.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createGenerator } from '@bn/core';
import { expect, onTestFinished, test } from 'vitest';
import { freePort, startRedis } from '../../../test/start-redis.js';
import { type Running, slowBackend, start } from './program-process.js';
import { resultOf, smallFolder, train } from './small-run.js';

const trials = Number(process.env.BN_SWEEP_TRIALS ?? 8);
const epochs = 9;
const settings = { data: 'data', model: 'net.ts', batchSize: 32, epochs, keep: 'best', schedule: 'cosine' };

/** @param milliseconds of each step, so that trainings are under way when something happens */
function sweepFolder(milliseconds: number, more: object): string {
  const folder = smallFolder();
  const backend = slowBackend(folder, milliseconds);
  writeFileSync(join(folder, 'sweep.json'), JSON.stringify({ settings: { ...settings, backend }, ...more }));
  return folder;
}

interface Line {
  readonly type: string;
  readonly trial: string;
  readonly epochs: number;
  readonly message: string;
}
const lines = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('with a worker killed every few seconds, and Redis once, every trial ends once, and the best is the one alone', {
  timeout: 120_000 + 30_000 * trials,
}, async (context) => {
  const redis = await startRedis(context, '--appendonly', 'yes');
  const folder = sweepFolder(20, {
    ...{ method: 'random', trials, parameters: { learningRate: { logUniform: [0.001, 0.5] } } },
    asha: { min: 3, reduction: 3 },
  });
  const began = Date.now();
  const sweep = start(folder, ['sweep', 'sweep.json', '--out', 's', '--json', '--redis', redis.url]);
  await sweep.seen('no worker is connected');
  const worker = () => start(folder, ['worker', '--redis', redis.url, '--workers', '1']);
  const workers: Running[] = [worker(), worker(), worker()];
  const random = createGenerator(1);
  let [kills, over, restarted] = [0, false, false];
  const ended = sweep.ended.finally(() => {
    over = true;
  });
  const results = () =>
    existsSync(join(folder, 's', 'sweep.jsonl'))
      ? lines(readFileSync(join(folder, 's', 'sweep.jsonl'), 'utf8')).length - 1
      : 0;
  while (!over) {
    await Promise.race([ended, setTimeout(1500 + random.integer(3000))]);
    if (over) break;
    const victim = random.integer(workers.length);
    workers[victim]!.child.kill('SIGKILL');
    kills++;
    workers[victim] = worker();
    if (!restarted && results() >= trials / 2) {
      restarted = true;
      // One that finds no Redis when it starts is right to end.
      await Promise.all(workers.map(({ seen }) => seen('takes trials')));
      await redis.stop();
      await setTimeout(1000);
      await redis.start();
    }
  }
  const { code, stdout, stderr } = await ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { best, trials: states } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
  console.log(
    `${trials} trials in ${Math.round((Date.now() - began) / 1000)} s, ${kills} workers killed, best ${best}`,
  );
  expect(restarted && kills > 1).toBe(true);
  expect(stdout).toMatch(/is lost; it is tried again.*is back/s);

  // Once each: no stage of a trial is noted twice, and all have come to an end.
  const stages = lines(readFileSync(join(folder, 's', 'sweep.jsonl'), 'utf8'))
    .slice(1)
    .map(({ trial, epochs }) => `${trial}-${epochs}`);
  expect(new Set(stages).size).toBe(stages.length);
  expect(states).toHaveLength(trials);
  const atTheEnd = states
    .filter(({ state }: { state: string }) => state === 'finished')
    .map(({ id }: { id: string }) => id);
  expect(states.filter(({ state }: { state: string }) => state !== 'finished' && state !== 'stopped')).toEqual([]);
  expect(atTheEnd.length).toBeGreaterThan(0);
  for (const id of atTheEnd) expect(existsSync(join(folder, 's', 'trials', id, 'report.html'))).toBe(true);
  expect(
    (await train(folder, ['--config', `s/trials/${best}/settings.json`, '--backend', 'reference', '--out', 'alone']))
      .code,
  ).toBe(0);
  expect(resultOf(join(folder, 's', 'trials', best))).toEqual(resultOf(join(folder, 'alone')));

  // Ctrl-C ends a worker; a sweep that is done needs none.
  for (const { child } of workers) child.kill('SIGINT');
  for (const { ended } of workers) expect((await ended).code).toBe(0);
  const again = await start(folder, ['sweep', '--resume', 's', '--json', '--redis', redis.url]).ended;
  expect(again.code).toBe(0);
});

test('a trial that fails is told of at the end, does not keep the others from theirs, and is tried again', async () => {
  const { model: _, ...rest } = settings;
  const folder = sweepFolder(0, {
    settings: { ...rest, backend: 'reference' },
    parameters: { model: ['big.ts', 'net.ts'] },
  });
  // Larger than the images.
  const network = readFileSync(join(folder, 'net.ts'), 'utf8').replace('kernelSize: 3', 'kernelSize: 30');
  writeFileSync(join(folder, 'big.ts'), network);
  const { code, stdout } = await start(folder, ['sweep', 'sweep.json', '--out', 's', '--json']).ended;
  const { best, trials } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
  expect({ code, best, states: trials.map(({ state }: { state: string }) => state) }).toEqual({
    ...{ code: 1, best: '0002', states: ['failed', 'finished'] },
  });
  const again = await start(folder, ['sweep', '--resume', 's']).ended;
  expect(again.code).toBe(1);
  expect(again.stdout).toContain(`trial 0001 failed: ${trials[0].message}`);
  expect(again.stdout).toContain('what failed is tried again by: npx -y pnpm@12.21.0 train sweep --resume s');
});

test('a sweep on this machine, shown in the dashboard, that is killed goes on', async () => {
  const folder = sweepFolder(20, { parameters: { learningRate: [0.1, 0.01] } });
  const port = await freePort();
  const first = start(folder, ['sweep', 'sweep.json', '--out', 's', '--json', '--dashboard', `${port}`]);
  await first.seen('the dashboard is at');
  let page = '';
  for (; !page.includes('value="0001"'); await setTimeout(100))
    page = await (await fetch(`http://localhost:${port}/`)).text();
  const events = (await fetch(`http://localhost:${port}/events`)).body!.pipeThrough(new TextDecoderStream());
  for await (const text of events) if (text.includes('of 2 trials have a result')) break;
  first.child.kill('SIGKILL');
  await first.ended;
  const end = await start(folder, ['sweep', '--resume', 's', '--json']).ended;
  expect(end).toMatchObject({ code: 0, stderr: '' });
  const { best } = JSON.parse(end.stdout.trimEnd().split('\n').at(-1)!);
  await train(folder, ['--config', `s/trials/${best}/settings.json`, '--backend', 'reference', '--out', 'alone']);
  expect(resultOf(join(folder, 's', 'trials', best))).toEqual(resultOf(join(folder, 'alone')));
});

test('a sweep that is killed goes on, with what workers have done meanwhile', { timeout: 120_000 }, async (context) => {
  const { url } = await startRedis(context);
  const folder = sweepFolder(20, { parameters: { learningRate: [0.1, 0.01, 0.001] } });
  const first = start(folder, ['sweep', 'sweep.json', '--out', 's', '--json', '--redis', url]);
  const worker = start(folder, ['worker', '--redis', url, '--workers', '1']);
  await worker.seen('0001 to epoch 9: begun');
  first.child.kill('SIGKILL');
  await worker.seen('0001 to epoch 9: done');
  const end = await start(folder, ['sweep', '--resume', 's', '--json', '--redis', url]).ended;
  expect(end).toMatchObject({ code: 0, stderr: '' });
  worker.child.kill('SIGINT');
  const { stdout } = await worker.ended;
  for (const id of ['0001', '0002', '0003'])
    expect(stdout.match(new RegExp(`${id} to epoch 9: done`, 'g'))).toHaveLength(1);
});

test.skipIf(process.platform === 'win32')(
  'a worker that is out of reach, and comes back when another has its trial, does no harm',
  { timeout: 120_000 },
  async (context) => {
    const { url } = await startRedis(context);
    const folder = sweepFolder(100, { parameters: { learningRate: [0.1] } });
    const sweep = start(folder, ['sweep', 'sweep.json', '--out', 's', '--json', '--redis', url]);
    const first = start(folder, ['worker', '--redis', url]);
    await first.seen('0001 to epoch 9: begun');
    const metrics = join(folder, 's', 'trials', '0001', 'metrics.jsonl');
    while (!existsSync(metrics)) await setTimeout(50);
    first.child.kill('SIGSTOP');
    const second = start(folder, ['worker', '--redis', url]);
    await second.seen('0001 to epoch 9: begun');
    first.child.kill('SIGCONT');
    expect(await sweep.ended).toMatchObject({ code: 0, stderr: '' });
    expect(lines(readFileSync(join(folder, 's', 'sweep.jsonl'), 'utf8')).map(({ type }) => type)).toEqual([
      'start',
      'result',
    ]);
    for (const { child, ended } of [first, second]) {
      child.kill('SIGINT');
      expect(await ended).toMatchObject({ code: 0, stderr: '' });
    }
    await train(folder, ['--config', 's/trials/0001/settings.json', '--backend', 'reference', '--out', 'alone']);
    expect(resultOf(join(folder, 's', 'trials', '0001'))).toEqual(resultOf(join(folder, 'alone')));
  },
);

test('a worker whose disk is full ends with words, and its trial goes to another', {
  timeout: 120_000,
}, async (context) => {
  const { url } = await startRedis(context);
  const folder = sweepFolder(20, { parameters: { learningRate: [0.1] } });
  const disk = join(folder, 's');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'bn-test', disk], { stdio: 'ignore' });
  } catch {
    context.skip('no small disk to fill: mounting a tmpfs needs Linux and root');
  }
  onTestFinished(() => void execFileSync('umount', ['--lazy', disk]));
  const sweep = start(folder, ['sweep', 'sweep.json', '--out', 's', '--json', '--redis', url]);
  await sweep.seen('no worker is connected');
  const filler = join(disk, 'filler');
  expect(() => writeFileSync(filler, Buffer.alloc(2 ** 21))).toThrow('ENOSPC');
  const full = await start(folder, ['worker', '--redis', url]).ended;
  expect(full).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error: .*cannot be written: the disk is full; free some space/),
  });
  writeFileSync(filler, '');
  const worker = start(folder, ['worker', '--redis', url]);
  expect((await sweep.ended).code).toBe(0);
  worker.child.kill('SIGINT');
  await worker.ended;
});

test('workers that do not see the folder of the sweep say so', async (context) => {
  const { url } = await startRedis(context);
  const folder = sweepFolder(20, { parameters: { learningRate: [0.1] } });
  const sweep = start(folder, ['sweep', 'sweep.json', '--out', 's', '--json', '--redis', url]);
  await sweep.seen('no worker is connected');
  const settings = join(folder, 's', 'trials', '0001', 'settings.json');
  const content = readFileSync(settings);
  execFileSync(process.execPath, ['-e', `fs.rmSync(${JSON.stringify(settings)})`]);
  const blind = await start(folder, ['worker', '--redis', url]).ended;
  expect(blind).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("give workers the sweep's folder under the same path"),
  });
  writeFileSync(settings, content);
  sweep.child.kill('SIGINT');
  expect((await sweep.ended).code).toBe(130);
});
