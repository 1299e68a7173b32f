// A run small enough for tests: 8 × 8 images, a network of one convolution, and the program called in this process.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCheckpoint } from '@bn/core';
import { onTestFinished } from 'vitest';
import { program } from '../src/program.js';
import type { EpochRecord } from '../src/run-record.js';

/** A new folder that goes with the test, with `data` (IDX, 90 + 30 images, 3 classes) and `net.ts` in it. */
export function smallFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bn-train-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeRun(folder);
  return folder;
}

/** `data` and `net.ts`. */
export function writeRun(folder: string): void {
  writeIdx(join(folder, 'data'), { train: 90, t10k: 30 });
  writeFileSync(join(folder, 'net.ts'), network);
}

const network = `
import { batchNorm, conv2d, dense, flatten, type Layer, relu, sequential } from '@bn/core';

const classes: number = 3;
const net: Layer = sequential({
  conv: conv2d(2, { kernelSize: 3 }), bn: batchNorm(), act: relu(), flatten: flatten(), out: dense(classes),
});
export default net;
`;

export const smallFlags = [
  ...['--backend', 'reference', '--data', 'data', '--model', 'net.ts'],
  ...['--batch-size', '32', '--epochs', '3', '--learning-rate', '0.1'],
];

/** Images whose brightness differs by class, so that there is something to learn. */
export function writeIdx(folder: string, counts: Record<string, number>, { side = 8, classes = 3 } = {}): void {
  mkdirSync(folder, { recursive: true });
  for (const [part, count] of Object.entries(counts)) {
    const labels = Uint8Array.from({ length: count }, (_, i) => (i * 7) % classes);
    const pixels = Uint8Array.from({ length: count * side * side }, (_, i) => {
      const image = Math.floor(i / side / side);
      return (labels[image]! * 60 + ((i * 31 + image * 17) % 97)) % 256;
    });
    writeFileSync(join(folder, `${part}-images-idx3-ubyte`), idx([count, side, side], pixels));
    writeFileSync(join(folder, `${part}-labels-idx1-ubyte`), idx([count], labels));
  }
}

/** The bytes of an IDX file. */
export function idx(shape: readonly number[], data: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  for (const [i, n] of shape.entries()) header.writeUInt32BE(n, 4 + 4 * i);
  return Buffer.concat([header, data]);
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Calls the program.
 *
 * @param stopAt aborts the run when it is first seen in the standard output; `stopped`: from the start
 */
export async function train(
  cwd: string,
  flags: readonly string[],
  { env = {}, stopAt, stopped = false }: { env?: NodeJS.ProcessEnv; stopAt?: RegExp; stopped?: boolean } = {},
): Promise<Outcome> {
  const stop = new AbortController();
  if (stopped) stop.abort('SIGINT');
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write(text: string) {
      written[name] += text;
      if (stopAt?.test(text)) stop.abort('SIGINT');
    },
  });
  const io = { cwd, env, stdout: stream('stdout'), stderr: stream('stderr'), signal: stop.signal };
  const code = await program.main(flags, io);
  return { code, ...written };
}

let result: Promise<ReturnType<typeof resultOf>> | undefined;

/** The result of a run with `smallFlags` from start to end. */
export function uninterrupted(): Promise<ReturnType<typeof resultOf>> {
  result ??= (async () => {
    const folder = smallFolder();
    await train(folder, [...smallFlags, '--out', 'run']);
    return resultOf(join(folder, 'run'));
  })();
  return result;
}

/** What must be the same in two runs that are the same: all but times. */
export function resultOf(run: string) {
  const [last, best] = ['checkpoint', 'best'].map((name) => {
    const { tensors, position } = decodeCheckpoint(new Uint8Array(readFileSync(join(run, `${name}.safetensors`))));
    return { tensors, position: { ...position, seconds: 0, waited: 0 } };
  });
  return { metrics: metricsOf(run), ...last!, best };
}

export function metricsOf(run: string): Omit<EpochRecord, 'seconds' | 'waited' | 'examplesPerSecond'>[] {
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const { seconds: _, examplesPerSecond: __, waited: ___, ...record } = JSON.parse(line) as EpochRecord;
    return record;
  });
}
