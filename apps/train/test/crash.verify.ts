// Processes that are killed at random moments, also two at a time in one folder: no checkpoint is damaged, and the end is the
// same to the last bit. BN_CRASH_ROUNDS=60 makes it as many rounds with two writers, and five times as many signals.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createGenerator, decodeCheckpoint } from '@bn/core';
import { expect, onTestFinished, test } from 'vitest';
import { writePhotographs } from '../../../packages/datasets/test/photographs.js';
import { resultOf, smallFlags, smallFolder, train } from './small-run.js';

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const rounds = Number(process.env.BN_CRASH_ROUNDS ?? 6);
const timeout = 60_000 + rounds * 60_000;
const epochs = 60;
/** The plain training, and one with everything that is kept beside the weights. */
const trainings = {
  plain: [...smallFlags, '--epochs', `${epochs}`],
  'augmented, averaged and stopped early': [
    ...[...smallFlags, '--epochs', `${epochs}`, '--augment', 'standard', '--average', 'ema', '--clip', '1'],
    ...['--optimizer', 'adamw', '--learning-rate', '0.01', '--schedule', 'plateau', '--patience', '10'],
  ],
};

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | string; stderr: string }>;
}

function start(cwd: string, flags: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const begun = existsSync(join(cwd, 'run', 'config.json'));
  const args = [program, ...(begun ? ['--resume', 'run'] : [...flags, '--out', 'run'])];
  const child = spawn(process.execPath, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, INIT_CWD: cwd, ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr!.on('data', (data) => {
    stderr += data;
  });
  return {
    child,
    ended: new Promise((resolve) => child.on('close', (code, signal) => resolve({ code: code ?? signal!, stderr }))),
  };
}

/** The newest checkpoint and the one before are whole at any moment: they are decoded while others write. */
function requireWhole(folder: string): void {
  for (const name of ['checkpoint.safetensors', 'checkpoint.previous.safetensors', 'best.safetensors']) {
    try {
      decodeCheckpoint(new Uint8Array(readFileSync(join(folder, 'run', name))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

async function wholeRun(flags: readonly string[]) {
  const folder = smallFolder();
  expect((await train(folder, [...flags, '--out', 'run'])).code).toBe(0);
  return resultOf(join(folder, 'run'));
}

/** Milliseconds in which a process starts and trains. */
const longest = 2000;

test('two writers in one folder, killed again and again, end as one that was not', { timeout }, async () => {
  const folder = smallFolder();
  const random = createGenerator(1);
  const outcomes = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const both = [start(folder, trainings.plain), start(folder, trainings.plain)];
    for (const at = Date.now() + random.integer(longest); Date.now() < at; await setTimeout(5)) requireWhole(folder);
    for (const { child } of both) if (random.integer(4) > 0) child.kill('SIGKILL');
    await setTimeout(random.integer(300));
    for (const { child } of both) child.kill('SIGKILL');
    for (const { code, stderr } of await Promise.all(both.map(({ ended }) => ended))) {
      if (code !== 0 && code !== 'SIGKILL') expect(stderr).toMatch(/is training this run since|already holds a run/);
      outcomes.set(`${code}`, (outcomes.get(`${code}`) ?? 0) + 1);
    }
    requireWhole(folder);
  }
  console.log(`${rounds} rounds:`, Object.fromEntries(outcomes));
  expect(await start(folder, trainings.plain).ended).toEqual({ code: 0, stderr: '' });
  expect(resultOf(join(folder, 'run'))).toEqual(await wholeRun(trainings.plain));
});

test.each(Object.entries(trainings))(
  'signals at random moments change no bit: %s',
  { timeout: 5 * timeout },
  async (_, flags) => {
    const whole = await wholeRun(flags);
    const random = createGenerator(2);
    for (let sent = 0; sent < 5 * rounds; ) {
      const folder = smallFolder();
      for (let done = false; !done; ) {
        const { child, ended } = start(folder, flags);
        const isOver = await Promise.race([ended.then(() => true), setTimeout(random.integer(longest), false)]);
        if (!isOver) {
          child.kill((['SIGINT', 'SIGTERM', 'SIGKILL'] as const)[random.integer(3)]);
          sent++;
        }
        const { code, stderr } = await ended;
        if (code !== 130 && typeof code === 'number') expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        done = code === 0;
        requireWhole(folder);
      }
      expect(resultOf(join(folder, 'run'))).toEqual(whole);
    }
  },
);

test('photographs that are read from a file, killed and resumed with other numbers of threads, end with the same bits', {
  timeout: 5 * timeout,
}, async () => {
  const folderOf = async () => {
    const folder = smallFolder();
    await writePhotographs(join(folder, 'photos'), 60);
    writeFileSync(join(folder, 'four.ts'), readFileSync(join(folder, 'net.ts'), 'utf8').replace('= 3', '= 4'));
    return folder;
  };
  const flags = [
    ...['--backend', 'reference', '--data', 'photos', '--image-size', '8', '--model', 'four.ts', '--augment', 'strong'],
    ...['--batch-size', '8', '--epochs', '40', '--sampling', 'balanced', '--average', 'ema', '--patience', '30'],
  ];
  const loading = (threads: number) => ({
    BN_DATA_MEMORY: '0',
    BN_DATA_CACHE: 'off',
    UV_THREADPOOL_SIZE: `${threads}`,
  });
  const whole = await folderOf();
  expect(await start(whole, flags, loading(4)).ended).toEqual({ code: 0, stderr: '' });
  const inMemory = await folderOf();
  expect(await start(inMemory, flags).ended).toEqual({ code: 0, stderr: '' });
  expect(resultOf(join(inMemory, 'run'))).toEqual(resultOf(join(whole, 'run')));
  const random = createGenerator(3);
  const folder = await folderOf();
  for (let round = 0, done = false; !done; round++) {
    const { child, ended } = start(folder, flags, loading([1, 8, 2, 16][round % 4]!));
    // Each time a little longer, so that it comes to its end on a slow machine too.
    const isOver = await Promise.race([
      ended.then(() => true),
      setTimeout(random.integer(longest) + 300 * round, false),
    ]);
    if (!isOver) child.kill('SIGKILL');
    done = (await ended).code === 0;
  }
  expect(resultOf(join(folder, 'run'))).toEqual(resultOf(join(whole, 'run')));
});
