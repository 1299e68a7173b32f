// `infer bulk` as a program that is killed, again and again: the output is whole, and other programs read it.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { multiLabel } from '@bn/core';
import { expect, it, onTestFinished } from 'vitest';
import { startRedis } from '../../../test/start-redis.js';
import { corners, lightIn, testFolder, whereTheLightIs } from './small-model.js';

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const python = process.env.BN_PYTHON ?? 'python3';

/** A folder with a model and so many images in folders of a thousand, whose class is their number modulo 4. */
async function manyImages(count: number): Promise<string> {
  const folder = testFolder({ 'model.onnx': whereTheLightIs() });
  const lights = await Promise.all(corners.map((_, corner) => lightIn(corner)));
  for (let i = 0; i < count; i++) {
    const within = join(folder, 'images', String(Math.floor(i / 1000)));
    if (i % 1000 === 0) mkdirSync(within, { recursive: true });
    writeFileSync(join(within, `${i}.png`), lights[i % 4]!);
  }
  return folder;
}

function start(
  folder: string,
  args: readonly string[],
  model = 'model.onnx',
): { child: ChildProcess; said: () => string } {
  const child = spawn(process.execPath, [program, 'bulk', model, 'images/**', ...args], {
    ...{ cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream!.setEncoding('utf8').on('data', (text) => (said += text));
  return { child, said: () => said };
}

/** How many shards of `p.csv` are done. */
function partsIn(folder: string): number {
  const parts = join(folder, 'p.csv.parts');
  return existsSync(parts) ? readdirSync(parts).filter((name) => /^\d+\.jsonl$/.test(name)).length : 0;
}

/** Until so many parts are there, or the call has ended. */
async function untilParts(folder: string, count: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null && partsIn(folder) < count) await wait(20);
}

function expectAll(folder: string, count: number): void {
  const rows = readFileSync(join(folder, 'p.csv'), 'utf8').trimEnd().split('\n').slice(1);
  const expected = Array.from({ length: count }, (_, i) => [`images/${Math.floor(i / 1000)}/${i}.png`, corners[i % 4]]);
  expect(rows.map((row) => row.split(',').slice(0, 2))).toEqual(expected);
}

it('killed at any moment and called again, has every image once', async () => {
  const count = 4000;
  const folder = await manyImages(count);
  const call = ['--out', 'p.csv', '--shard-size', '50', '--workers', '2'];
  let kills = 0;
  for (;;) {
    const before = partsIn(folder);
    const { child, said } = start(folder, call);
    const exit = once(child, 'exit');
    // In the middle of one, whatever the machine's speed.
    while (child.exitCode === null && partsIn(folder) < before + 12) await wait(5);
    child.kill('SIGKILL');
    const [code, signal] = await exit;
    if (signal === null) {
      expect(code, said()).toBe(0);
      break;
    }
    kills++;
  }
  console.log(`${kills} kills`);
  expect(kills).toBeGreaterThan(2);
  expectAll(folder, count);
});

it('a worker that is killed is replaced, and its shard done by another', async ({ skip }) => {
  if (!existsSync('/proc/self/task')) skip('the processes of a process are looked up in /proc');
  const count = 2000;
  const folder = await manyImages(count);
  const { child, said } = start(folder, ['--out', 'p.csv', '--shard-size', '50', '--workers', '2']);
  const exit = once(child, 'exit');
  await untilParts(folder, 10, child);
  const workers = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
  expect(workers).toHaveLength(2);
  process.kill(Number(workers[0]), 'SIGKILL');
  expect(await exit, said()).toEqual([0, null]);
  expect(said()).toContain('warning: a worker died (SIGKILL); another one does its work\n');
  expectAll(folder, count);
});

it('on Ctrl-C ends at once, and its workers with it', async ({ skip }) => {
  if (!existsSync('/proc/self/task')) skip('the processes of a process are looked up in /proc');
  const folder = await manyImages(3000);
  const { child, said } = start(folder, ['--out', 'p.csv', '--shard-size', '50', '--workers', '2']);
  const exit = once(child, 'exit');
  await untilParts(folder, 10, child);
  const workers = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
  child.kill('SIGINT');
  expect(await exit).toEqual([130, null]);
  expect(said()).toMatch(/stopped after [\d,]+ of 3,000 images; the same call goes on from there\n$/);
  await wait(500);
  expect(workers.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
});

it('what it writes is read by Arrow and DuckDB', async ({ skip }) => {
  if (spawnSync(python, ['-c', 'import pyarrow, duckdb']).status !== 0) {
    skip(`${python} has no pyarrow and duckdb; pip install them, or name another Python in BN_PYTHON`);
  }
  const folder = await manyImages(2000);
  writeFileSync(join(folder, 'images', '1', '1001.png'), 'broken');
  writeFileSync(join(folder, 'labels.onnx'), whereTheLightIs({ objective: multiLabel(), bias: -2 }));
  for (const [model, out] of [
    ['model', 'p.parquet'],
    ['labels', 'l.parquet'],
    ['model', 'p.jsonl'],
  ] as const) {
    const { child, said } = start(folder, ['--out', out, '--shard-size', '300', '--workers', '1'], `${model}.onnx`);
    expect(await once(child, 'exit'), said()).toEqual([1, null]);
  }
  const questions = `
import duckdb, pyarrow.parquet as pq
table = pq.read_table('p.parquet')
print([str(field.type) for field in table.schema], table.num_rows)
print(duckdb.sql("select class, count(*), round(min(probability)::double, 4), count(error) from 'p.parquet' group by class order by class").fetchall())
print(pq.read_table('l.parquet').column('labels').to_pylist()[1000:1003])
print(duckdb.sql("select count(distinct image), count(message) from read_json('p.jsonl')").fetchall())
`;
  const said = execFileSync(python, ['-c', questions], { cwd: folder, encoding: 'utf8' });
  expect(said.trim().split('\n')).toEqual([
    "['string', 'string', 'float', 'string'] 2000",
    "[('bottom left', 500, 0.9479, 0), ('bottom right', 500, 0.9479, 0), ('top left', 500, 0.9479, 0), ('top right', 499, 0.9479, 0), (None, 1, None, 1)]",
    "[['top left'], None, ['bottom left']]",
    '[(2000, 1)]',
  ]);
});

it('by Redis, with workers and the giver killed and Redis restarted empty meanwhile, has every image once', async (context) => {
  const redis = await startRedis(context);
  // Enough that workers do not end while nobody gives them anything.
  const count = 12_000;
  const folder = await manyImages(count);
  /** A worker that is connected: one that finds no Redis when it starts is right to end. */
  const work = async () => {
    const child = spawn(process.execPath, [program, 'worker', '--redis', redis.url], { cwd: folder });
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    child.stderr.on('data', (data) => (said += `${data}`));
    const ended = once(child, 'exit').then((exit) => ({ exit, said }));
    await Promise.race([once(child.stdout, 'data'), ended]);
    child.stdout.resume();
    return { kill: (signal: NodeJS.Signals) => child.kill(signal), ended };
  };
  let workers = [await work(), await work()];
  const call = ['--out', 'p.csv', '--shard-size', '50', '--redis', redis.url];
  const first = start(folder, call);
  await untilParts(folder, 10, first.child);
  workers[0]!.kill('SIGKILL');
  workers = [workers[1]!, await work()];
  await untilParts(folder, 20, first.child);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const { child, said } = start(folder, call);
  const exit = once(child, 'exit');
  await untilParts(folder, 40, child);
  workers[0]!.kill('SIGKILL');
  await redis.stop();
  await redis.start();
  workers = [workers[1]!, await work()];
  expect(await exit, said()).toEqual([0, null]);
  expect(said()).toMatch(/[\d,]+ of 12,000 images are done already/);
  // Of Node's own.
  expect(said()).not.toContain('Warning: ');
  expectAll(folder, count);
  // Those that are left end in order.
  for (const { kill } of workers) kill('SIGINT');
  for (const { exit, said } of await Promise.all(workers.map(({ ended }) => ended))) {
    expect(exit, said).toEqual([0, null]);
  }
});
