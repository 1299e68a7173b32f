// The built program as a process of its own: signals, a sudden death, a closed pipe, a full disk.

import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { program, slowBackend, start } from './program-process.js';
import { resultOf, smallFlags, smallFolder, train, uninterrupted } from './small-run.js';

it.each(['SIGINT', 'SIGTERM'] as const)(
  '%s stops in order, and the run can be continued to the same bits',
  async (signal) => {
    const folder = smallFolder();
    const run = start(folder, [...smallFlags, '--backend', slowBackend(folder, 30), '--out', 'run', '--json']);
    await run.seen('"epoch":2,"step":1,');
    run.child.kill(signal);
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(stdout).toContain('continue with: npx -y pnpm@12.21.0 train --resume run');
    await train(folder, ['--resume', 'run', '--backend', 'reference']);
    expect(resultOf(join(folder, 'run'))).toEqual(await uninterrupted());
  },
);

it('a second Ctrl-C ends at once', async () => {
  const folder = smallFolder();
  const run = start(folder, [...smallFlags, '--backend', slowBackend(folder, 60_000), '--out', 'run', '--json']);
  await run.seen('"type":"start"');
  run.child.kill('SIGINT');
  await run.seen('once more to stop at once');
  await new Promise((resolve) => setTimeout(resolve, 600));
  run.child.kill('SIGINT');
  expect((await run.ended).code).toBe(130);
});

it('kill -9 leaves the last whole checkpoint', async () => {
  const folder = smallFolder();
  const run = start(folder, [...smallFlags, '--out', 'run', '--json', '--epochs', '100000']);
  await run.seen('"type":"checkpoint","reason":"epoch","epoch":5,');
  run.child.kill('SIGKILL');
  expect((await run.ended).code).toBe('SIGKILL');
  const config = join(folder, 'run', 'config.json');
  writeFileSync(config, readFileSync(config, 'utf8').replace('100000', '3'));
  const { stderr } = await train(folder, ['--resume', 'run']);
  const done = Number(/the run has (\d+) epochs already/.exec(stderr)![1]);
  expect(done).toBeGreaterThanOrEqual(4);

  expect((await train(folder, ['--resume', 'run', '--epochs', `${done + 1}`])).code).toBe(0);
  await train(folder, [...smallFlags, '--out', 'whole', '--epochs', `${done + 1}`]);
  expect(resultOf(join(folder, 'run'))).toEqual(resultOf(join(folder, 'whole')));
});

it('a reader that goes away ends the run quietly, to be continued', async () => {
  const folder = smallFolder();
  const run = start(folder, [...smallFlags, '--backend', slowBackend(folder, 30), '--out', 'run', '--json']);
  await run.seen('"epoch":2,"step":1,');
  run.child.stdout!.destroy();
  expect(await run.ended).toMatchObject({ code: 0, stderr: '' });
  await train(folder, ['--resume', 'run', '--backend', 'reference']);
  expect(resultOf(join(folder, 'run'))).toEqual(await uninterrupted());
});

it('a full disk ends the run and keeps the last checkpoint', async ({ skip }) => {
  const folder = smallFolder();
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'bn-test', disk], { stdio: 'ignore' });
  } catch {
    skip('no small disk to fill: mounting a tmpfs needs Linux and root');
  }
  onTestFinished(() => void execFileSync('umount', [disk]));
  const run = start(folder, [...smallFlags, '--backend', slowBackend(folder, 100), '--out', 'disk/run', '--json']);
  await run.seen('"epoch":2,"step":1,');
  const filler = join(disk, 'filler');
  expect(() => writeFileSync(filler, Buffer.alloc(2 ** 21))).toThrow('ENOSPC');
  const { code, stdout, stderr } = await run.ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/(checkpoint|best)\.safetensors: .*the disk is full.* \(the checkpoint after epoch 1 is kept/);
  expect(JSON.parse(stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({ type: 'error', code: 'file' });
  expect(readdirSync(join(disk, 'run')).sort()).toEqual([
    'best.safetensors',
    'checkpoint.safetensors',
    'config.json',
    'metrics.jsonl',
  ]);

  rmSync(filler);
  await train(folder, ['--resume', 'disk/run', '--backend', 'reference']);
  expect(resultOf(join(disk, 'run'))).toEqual(await uninterrupted());
});

it.runIf(process.platform === 'linux')(
  'output that cannot be written fails the run, which can be continued',
  async () => {
    const folder = smallFolder();
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const run = (flags: readonly string[]) =>
      spawnSync(process.execPath, [program, ...flags], {
        cwd: folder,
        stdio: ['ignore', full, 'pipe'],
        encoding: 'utf8',
      });
    for (const flags of [[...smallFlags, '--out', 'run'], [...smallFlags, '--json', '--out', 'other'], ['--help']]) {
      const { status, stderr } = run(flags);
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringMatching(/^error: standard output cannot be written: ENOSPC.*\n$/),
      });
    }
    await train(folder, ['--resume', 'run']);
    expect(resultOf(join(folder, 'run'))).toEqual(await uninterrupted());
  },
);

it.each(['while (true) {}', 'export default () => { while (true) {} };'])(
  'Ctrl-C ends while a model file computes for ever: %s',
  async (source) => {
    const folder = smallFolder();
    writeFileSync(join(folder, 'loop.ts'), `process.stdout.write('loading');\n${source}`);
    const run = start(folder, [...smallFlags, '--model', 'loop.ts']);
    await run.seen('loading');
    await new Promise((resolve) => setTimeout(resolve, 300));
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe('SIGINT');
  },
);

it('a model file that waits for ever is an error', async () => {
  const folder = smallFolder();
  writeFileSync(join(folder, 'wait.ts'), 'await new Promise(() => {}); export default 1;');
  const { code, stderr } = await start(folder, [...smallFlags, '--model', 'wait.ts']).ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^error: the model .*wait\.ts does not load: it waits \(await\) for something that never comes\n$/,
  );
});

it('finds the user where pnpm was called', async () => {
  const folder = smallFolder();
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'package.json'), '{}');
  const env = { ...process.env, npm_package_json: join(folder, 'package.json'), INIT_CWD: join(folder, 'sub') };
  const flags = [...smallFlags, '--data', '../data', '--model', '../net.ts', '--epochs', '1'];
  const stdout = execFileSync(process.execPath, [program, ...flags], { cwd: folder, env, encoding: 'utf8' });
  expect(stdout).toMatch(/recorded in runs\/\d{4}-/);
  expect(existsSync(join(folder, 'sub', 'runs'))).toBe(true);
});
