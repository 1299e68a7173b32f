// What lies beside the output until it is whole: the plan, the inputs in their order, and a part for each shard that is done.
// Whoever does a shard knows only this folder.

import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError, writeAtomically, writeError } from '@bn/command-line';
import { BnError } from '@bn/core';
import type { SignatureOptions } from '@bn/onnx';
import type { InputLine } from './inputs.js';

/** What decides what the answers are. */
export interface BulkSettings extends SignatureOptions {
  readonly invert: boolean;
  /** Classes per image. */
  readonly top: number;
  /** Images that the model gets at a time: with some models they have a part in each other's answers. */
  readonly batchSize: number;
  /** Images that are done or not done together, at least. */
  readonly shardSize: number;
}

export interface BulkCall {
  readonly model: { readonly path: string; readonly sha256: string };
  readonly settings: BulkSettings;
  readonly workingFolder: string;
}

/** Where a shard's lines are in the file of inputs, and how many images they stand for. */
export type ShardRange = readonly [at: number, bytes: number, images: number];

export interface Plan extends BulkCall {
  /** Sets the work apart from any other. */
  readonly id: string;
  readonly inputs: { readonly images: number; readonly sha256: string };
  readonly shards: readonly ShardRange[];
}

const planFile = 'plan.json';
const inputsFile = 'inputs.jsonl';
/** All that is ever removed: whatever else is in such a folder, somebody else has put there. */
const own = /^(plan\.json|inputs\.jsonl|\d{5,}\.jsonl|\..+\.tmp)$/;

export function workFolderOf(out: string): string {
  return `${out}.parts`;
}

export function partFile(folder: string, shard: number): string {
  return join(folder, `${String(shard).padStart(5, '0')}.jsonl`);
}

/** Null if there is none. */
export async function planIn(folder: string): Promise<Plan | null> {
  const text = await readFile(join(folder, planFile), 'utf8').catch(() => null);
  return text && JSON.parse(text);
}

/**
 * The plan of a call, new, or that of the same call before, which then goes on.
 *
 * @param inputs what there is to do, in order
 * @param restart do away with what is there of another call
 * @throws UsageError if the folder is that of another call, and says what differs
 */
export async function preparePlan(
  folder: string,
  call: BulkCall,
  inputs: AsyncIterable<InputLine>,
  { restart }: { readonly restart: boolean },
): Promise<Plan> {
  const before = restart ? null : await planIn(folder);
  if (!before) {
    await removeWork(folder);
    await mkdir(folder, { recursive: true }).catch((cause) => {
      throw writeError(folder, cause);
    });
  }
  const cutter = new Cutter(call);
  const lines = Readable.from(cutter.lines(inputs));
  // The plan is written after them, and what has no plan begins anew.
  if (before) for await (const _ of lines);
  else {
    await pipeline(lines, createWriteStream(join(folder, inputsFile))).catch(async (cause) => {
      await removeWork(folder);
      throw cause instanceof UsageError || cause instanceof BnError ? cause : writeError(folder, cause);
    });
  }
  const plan: Plan = { ...call, id: before?.id ?? randomUUID(), ...cutter.result() };
  if (before) requireSame(folder, before, plan);
  await writeAtomically(join(folder, planFile), JSON.stringify(plan));
  return plan;
}

function requireSame(folder: string, before: Plan, now: Plan): void {
  const [then, here] = [before, now].map(({ settings }) => JSON.parse(JSON.stringify(settings)));
  const changed = [...new Set([...Object.keys(then), ...Object.keys(here)])].filter((key) => then[key] !== here[key]);
  const differences = [
    ...(before.model.sha256 === now.model.sha256 ? [] : [`another model (${before.model.path})`]),
    ...(changed.length === 0
      ? []
      : [`other options (${changed.map((key) => `${key} was ${then[key] ?? 'not given'}`).join(', ')})`]),
    ...(before.inputs.sha256 === now.inputs.sha256
      ? []
      : [`another list of images (${before.inputs.images} then, ${now.inputs.images} now)`]),
  ];
  if (differences.length === 0) return;
  const problem = `${folder} holds the unfinished work of a call with ${differences.join(' and ')}`;
  throw new UsageError(`${problem}; finish that call, or give --restart to begin anew`);
}

/** Characters that are written at a time. */
const atOnce = 2 ** 16;

/** Cuts lines into shards as they pass. */
class Cutter {
  readonly #call: BulkCall;
  readonly #hash: Hash = createHash('sha256');
  readonly #shards: ShardRange[] = [];
  #images = 0;
  /** Where the shard begins that grows, and what it has. */
  #at = 0;
  #bytes = 0;
  #count = 0;

  constructor(call: BulkCall) {
    this.#call = call;
  }

  /** The lines, many at a time. */
  async *lines(inputs: AsyncIterable<InputLine>): AsyncGenerator<string> {
    let lines = '';
    for await (const input of inputs) {
      const line = `${JSON.stringify(input)}\n`;
      this.#take(input, Buffer.byteLength(line));
      lines += line;
      if (lines.length < atOnce) continue;
      yield lines;
      lines = '';
    }
    if (lines !== '') yield lines;
  }

  #take(input: InputLine, bytes: number): void {
    const { workingFolder, settings } = this.#call;
    // Names are relative to the folder that the user is in.
    const [path, rest] = typeof input === 'string' ? [input, null] : [input.parquet, input];
    this.#hash.update(JSON.stringify([resolve(workingFolder, path), rest]));
    this.#bytes += bytes;
    this.#count += typeof input === 'string' ? 1 : input.to - input.from;
    if (this.#count >= settings.shardSize) this.#cut();
  }

  #cut(): void {
    this.#shards.push([this.#at, this.#bytes, this.#count]);
    this.#images += this.#count;
    this.#at += this.#bytes;
    this.#bytes = 0;
    this.#count = 0;
  }

  result(): Pick<Plan, 'inputs' | 'shards'> {
    if (this.#count > 0) this.#cut();
    return { inputs: { images: this.#images, sha256: this.#hash.digest('hex') }, shards: this.#shards };
  }
}

/** What a shard is to read, in order. */
export async function inputsOf(folder: string, [at, bytes]: ShardRange): Promise<InputLine[]> {
  const file = await open(join(folder, inputsFile));
  try {
    const { buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
    return buffer
      .toString('utf8')
      .split('\n', -1)
      .flatMap((line) => (line ? [JSON.parse(line)] : []));
  } finally {
    await file.close();
  }
}

export function isDone(folder: string, shard: number): Promise<boolean> {
  return exists(partFile(folder, shard));
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The shards that are not done yet. */
export async function missingShards(folder: string, { shards }: Plan): Promise<number[]> {
  const done = new Set(await readdir(folder));
  return [...shards.keys()].filter((shard) => !done.has(`${String(shard).padStart(5, '0')}.jsonl`));
}

/** Removes the plan first: parts without one are nobody's, and are removed by the next call. */
export async function removeWork(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await rm(join(folder, planFile), { force: true });
  for (const name of names) if (own.test(name)) await rm(join(folder, name), { force: true });
  // Not if there is something else in it.
  await rmdir(folder).catch(() => {});
}
