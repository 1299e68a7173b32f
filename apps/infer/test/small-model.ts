// A model that one can compute by hand, images for it, and the program called in this process.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { OutputStream } from '@bn/command-line';
import { defineModel, dense, flatten, type Objective, sequential } from '@bn/core';
import { exportInference } from '@bn/onnx';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import { program } from '../src/program.js';

/** A new folder that goes with the test, with these files in it. */
export function testFolder(files: Record<string, string | Uint8Array> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'bn-infer-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

export interface SmallModel {
  /** Of one example; default [1, 2, 2]. */
  readonly shape?: readonly number[];
  readonly input?: 'uint8' | 'float32';
  /** Default: those of the corners. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How many places the classes are moved on; default 0. */
  readonly shift?: number;
  /** What the network is to give; default classes. */
  readonly objective?: Objective;
  /** Of every logit; default 0. */
  readonly bias?: number;
}

export const corners = ['top left', 'top right', 'bottom left', 'bottom right'];

/**
 * The bytes of a model with one class per value of its input, whose logit is four times the value in 0..1: the class is
 * where the light is.
 */
export function whereTheLightIs(options: SmallModel = {}): Uint8Array {
  const { shape = [1, 2, 2], input, metadata, shift = 0, objective, bias = 0 } = options;
  const size = shape.reduce((a, b) => a * b, 1);
  const network = sequential({ flatten: flatten(), out: dense(size) });
  const model = defineModel(network, { input: { shape: [null, ...shape], dtype: 'float32' } });
  const weight = Float32Array.from({ length: size * size }, (_, i) =>
    Math.floor(i / size) === ((i % size) + shift) % size ? 4 : 0,
  );
  const values = new Map([
    ['out.weight', { shape: [size, size], data: weight }],
    ['out.bias', { shape: [size], data: new Float32Array(size).fill(bias) }],
  ]);
  const described = metadata ?? { classNames: JSON.stringify(corners) };
  return exportInference(model, values, { ...(input && { input }), objective, metadata: described });
}

/** What commands tell of it first. */
export const taken = "model takes 2×2 grey, pixels 0..255; gives probabilities of 4 classes (output 'probabilities')\n";

/** A PNG of 2 × 2 grey pixels. */
export function png(...pixels: readonly number[]): Promise<Buffer> {
  return sharp(Uint8Array.from(pixels), { raw: { width: 2, height: 2, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/** A PNG that is light in this corner, 0 to 3. */
export function lightIn(corner: number): Promise<Buffer> {
  return png(...[0, 1, 2, 3].map((i) => (i === corner ? 255 : 0)));
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Calls the program.
 *
 * @param stopAt stops it as Ctrl-C does when it is first seen in the standard output
 * @param stopped from the start
 * @param terminal what the standard output is besides a stream
 */
export async function infer(
  cwd: string,
  args: readonly string[],
  {
    env = {},
    stopAt,
    stopped = false,
    terminal,
  }: { env?: NodeJS.ProcessEnv; stopAt?: RegExp; stopped?: boolean; terminal?: Omit<OutputStream, 'write'> } = {},
): Promise<Outcome> {
  const stop = new AbortController();
  if (stopped) stop.abort('SIGINT');
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write(text: string) {
      written[name] += text;
      if (name === 'stdout' && stopAt?.test(text)) stop.abort('SIGINT');
    },
  });
  const stdout = { ...terminal, ...stream('stdout') };
  const code = await program.main(args, { cwd, env, stdout, stderr: stream('stderr'), signal: stop.signal });
  return { code, ...written };
}
