// Processes that mpirun starts train together, and get what one process gets. With Open MPI and with MPICH, where they are installed.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { decodeSafetensors } from '@bn/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { program } from './program-process.js';
import { metricsOf, smallFlags, smallFolder } from './small-run.js';

interface Launcher {
  readonly name: string;
  readonly command: string;
  readonly flags: readonly string[];
  /** What it says of a process that was killed. */
  readonly killed: RegExp;
}

const launchers: readonly Launcher[] = [
  {
    name: 'Open MPI',
    command: 'mpirun.openmpi',
    flags: ['--oversubscribe'],
    killed: /rank 1 .*signal 9|rank 1 .*Killed/,
  },
  { name: 'MPICH', command: 'mpirun.mpich', flags: [], killed: /Killed \(signal 9\)/ },
];

const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1', FORCE_COLOR: '0' };
const isThere = (command: string) => {
  try {
    execFileSync(command, ['--version'], { env, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(cwd: string, command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...env, INIT_CWD: cwd, ...more }, maxBuffer: 2 ** 26, timeout: 300_000 };
    execFile(command, [...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

const alone = (cwd: string, flags: readonly string[]) => run(cwd, process.execPath, [program, ...flags]);
const ranksOf = ({ command, flags }: Launcher, n: number, own: readonly string[]) =>
  [command, [...flags, '-n', `${n}`, process.execPath, program, ...own]] as const;

/** All values of the last checkpoint. */
function valuesOf(run: string): Map<string, number[]> {
  const { tensors } = decodeSafetensors(new Uint8Array(readFileSync(join(run, 'checkpoint.safetensors'))));
  return new Map([...tensors].map(([path, { data }]) => [path, Array.from(data as Float32Array)]));
}

function largestDifference(a: string, b: string): number {
  const others = valuesOf(b);
  const differences = [...valuesOf(a)].map(([path, values]) => {
    const scale = Math.max(...values.map(Math.abs), 1e-3);
    return Math.max(...values.map((v, i) => Math.abs(v - others.get(path)![i]!))) / scale;
  });
  return Math.max(...differences);
}

describe.each(launchers)('$name', (launcher) => {
  // Registered either way: a skip with its reason is seen.
  const test = (name: string, body: () => Promise<void>) =>
    it(name, async ({ skip }) => {
      skip(!isThere(launcher.command), `there is no ${launcher.command}: install Debian's openmpi-bin or mpich`);
      await body();
    });
  // 81 images, as 9 are for validation, in batches of 21, the last of which has 18: shares are not equal.
  const flags = [...smallFlags, '--batch-size', '21', '--threads', '1', '--json'];

  test('two and three processes train as one does, within rounding; only the first speaks and records', async () => {
    const cwd = smallFolder();
    expect((await alone(cwd, [...flags, '--out', 'one'])).code).toBe(0);
    for (const n of [2, 3]) {
      const { code, stdout, stderr } = await run(cwd, ...ranksOf(launcher, n, [...flags, '--out', `run${n}`]));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout.match(/"type":"finish"/g)).toHaveLength(1);
      expect(stdout).toContain(`${n} processes train together`);
      expect(largestDifference(join(cwd, 'one'), join(cwd, `run${n}`))).toBeLessThan(1e-5);
      const [mine, theirs] = [metricsOf(join(cwd, 'one')), metricsOf(join(cwd, `run${n}`))];
      mine.forEach(({ loss, test: tested }, i) => {
        expect(Math.abs(theirs[i]!.loss / loss - 1)).toBeLessThan(1e-6 * 5 * (i + 1));
        expect(theirs[i]!.test.metrics).toEqual(tested.metrics);
      });
      expect(existsSync(join(cwd, `run${n}`, 'report.html'))).toBe(true);
    }
  });

  test('with parts of a fixed size, any number of processes gives the same bits', async () => {
    const cwd = smallFolder();
    for (const syncBn of ['on', 'off']) {
      // Three parts for four ranks. The last batch has one image, which is computed by all.
      const parts = [...flags, '--micro-batch', '8', '--batch-size', '20', '--sync-bn', syncBn];
      const one = `${syncBn}1`;
      expect((await alone(cwd, [...parts, '--out', one])).code).toBe(0);
      for (const n of [2, 4]) {
        const out = `${syncBn}${n}`;
        const { code, stderr } = await run(cwd, ...ranksOf(launcher, n, [...parts, '--out', out]));
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(valuesOf(join(cwd, out))).toEqual(valuesOf(join(cwd, one)));
      }
    }
    expect(largestDifference(join(cwd, 'on1'), join(cwd, 'off1'))).toBeGreaterThan(1e-3);
  });

  test('with --sync-bn off, two and three processes train as one does in as many parts, to the bit, also resumed', async () => {
    const cwd = smallFolder();
    const apart = [...flags, '--sync-bn', 'off'];
    for (const n of [2, 3]) {
      expect((await alone(cwd, [...apart, '--micro-batch', `${Math.ceil(21 / n)}`, '--out', `one${n}`])).code).toBe(0);
      expect((await run(cwd, ...ranksOf(launcher, n, [...apart, '--epochs', '1', '--out', `run${n}`]))).code).toBe(0);
      const { code, stderr } = await run(cwd, ...ranksOf(launcher, n, ['--resume', `run${n}`, '--epochs', '3']));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(valuesOf(join(cwd, `run${n}`))).toEqual(valuesOf(join(cwd, `one${n}`)));
    }
  });

  test('with --sync-bn off, a batch of three images leaves two of three ranks without', async () => {
    const cwd = smallFolder();
    const apart = [...flags, '--sync-bn', 'off', '--batch-size', '39'];
    // 81 images are two batches and three images, which one process computes whole.
    expect((await alone(cwd, [...apart, '--micro-batch', '13', '--out', 'one'])).code).toBe(0);
    const { code, stderr } = await run(cwd, ...ranksOf(launcher, 3, [...apart, '--out', 'run']));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(largestDifference(join(cwd, 'one'), join(cwd, 'run'))).toBeLessThan(1e-5);
  });

  test('a rank that is killed ends the job, and another number of processes goes on', async () => {
    const cwd = smallFolder();
    const long = [...flags, '--micro-batch', '8', '--out', 'run', '--epochs'];
    const [command, args] = ranksOf(launcher, 3, [...long, '5000']);
    const child = spawn(command, args, { cwd, env: { ...env, INIT_CWD: cwd } });
    onTestFinished(() => void child.kill('SIGKILL'));
    let written = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (written += `${data}`));
    const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 0)));
    const late = setTimeout(120_000, undefined, { ref: false }).then(() => {
      throw new Error(`after two minutes the job goes on:\n${written}`);
    });
    late.catch(() => {});
    while (!existsSync(join(cwd, 'run', 'metrics.jsonl')) || metricsOf(join(cwd, 'run')).length < 2) {
      if (child.exitCode !== null) throw new Error(written);
      await Promise.race([setTimeout(20), late]);
    }
    const victim = rankOf(child.pid!, 1);
    process.kill(victim, 'SIGKILL');
    expect(await Promise.race([ended, late])).not.toBe(0);
    expect(written).toMatch(launcher.killed);
    const epochs = metricsOf(join(cwd, 'run')).length + 2;
    const resumed = await run(cwd, ...ranksOf(launcher, 2, ['--resume', 'run', '--epochs', `${epochs}`]));
    expect(resumed.code).toBe(0);
    await alone(cwd, [...long.slice(0, -2), 'one', '--epochs', `${epochs}`]);
    expect(valuesOf(join(cwd, 'run'))).toEqual(valuesOf(join(cwd, 'one')));
  });

  test('ranks that were started to train different things say in what they differ, once', async () => {
    const cwd = smallFolder();
    const other = [process.execPath, program, ...flags.slice(0, -1), '--out', 'run', '--seed', '1'];
    const [command, args] = ranksOf(launcher, 1, [...flags.slice(0, -1), '--out', 'run']);
    const { code, stderr } = await run(cwd, command, [...args, ':', '-n', '1', ...other]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(
      /rank 1 on \S+ differs from rank 0 on \S+ in --seed: 1, not 0; all ranks must train the same/,
    );
    expect(existsSync(join(cwd, 'run'))).toBe(false);
  });

  test('a failure of all is told once, and names the rank', async () => {
    const cwd = smallFolder();
    const { code, stderr } = await run(cwd, ...ranksOf(launcher, 3, ['--resume', 'nowhere']));
    expect(code).not.toBe(0);
    expect(stderr.match(/the folder holds no run/g)).toHaveLength(1);
    expect(stderr).toContain('error: rank 0 on ');
  });

  test('a library of another launcher, and none, are errors: nobody trains alone by mistake', async () => {
    const cwd = smallFolder();
    const [command, args] = ranksOf(launcher, 2, [...flags, '--out', 'run']);
    const none = await run(cwd, command, args, { BN_MPI_LIBRARY: join(cwd, 'libmpi.so') });
    expect(none.code).not.toBe(0);
    expect(none.stderr).toContain('has started 2 processes to train together, but no MPI library');
    const other = launchers.find((one) => one !== launcher)!;
    if (isThere(other.command)) {
      const library = other.name === 'MPICH' ? 'libmpich.so.12' : 'libmpi.so.40';
      const wrong = await run(cwd, command, args, { BN_MPI_LIBRARY: library });
      expect(wrong.code).not.toBe(0);
      expect(wrong.stderr).toMatch(/has started 2 processes, but .* sees 1: it is not the library of that launcher/);
    }
    expect(existsSync(join(cwd, 'run'))).toBe(false);
  });
});

/** The process of a rank, among the descendants of the launcher. */
function rankOf(launcher: number, rank: number): number {
  const parents = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = parents.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  const below = (parent: number): number[] =>
    pairs.filter(([, own]) => own === parent).flatMap(([pid]) => [pid, ...below(pid)]);
  const found = below(launcher).find((pid) => {
    const text = readFileSync(`/proc/${pid}/environ`, 'utf8');
    return text.includes(`\0OMPI_COMM_WORLD_RANK=${rank}\0`) || text.includes(`\0PMI_RANK=${rank}\0`);
  });
  if (found === undefined) throw new Error(`no process of rank ${rank}`);
  return found;
}
