// `bulk`: what a model says of very many images, into one file.

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import {
  backendFlags,
  CheckedCommand,
  checkedOption,
  fileToWrite,
  type Io,
  openRedis,
  parseCommand,
  printable,
  type QueueFlags,
  queueFlags,
  readModelFile,
  redisUrl,
  stopCode,
  text,
  UsageError,
  wholeNumber,
} from '@bn/command-line';
import type { RedisConnection } from '@bn/command-line/tasks';
import type { OptionValues } from 'commander';
import { ShardWorker, sha256 } from '../bulk/do-shards.js';
import { inputsFrom, pathsListed } from '../bulk/inputs.js';
import { type BulkFigures, counted, Progress, speedOf } from '../bulk/progress.js';
import { shardQueue, shardsByRedis } from '../bulk/redis.js';
import { runShards, type ShardRunner } from '../bulk/run-shards.js';
import {
  type BulkSettings,
  missingShards,
  type Plan,
  planIn,
  preparePlan,
  removeWork,
  workFolderOf,
} from '../bulk/work-folder.js';
import { workerProcesses } from '../bulk/worker-process.js';
import { requireFormat, writeOutput } from '../bulk/write-output.js';
import { addModelOptions, modelOptions } from '../config/model-options.js';
import { findImages } from '../images/find-images.js';
import { tellSignature } from '../model/describe-model.js';
import { imageInput } from '../model/image-input.js';
import { type OpenModelOptions, readModel } from '../model/open-model.js';

export const summary = 'predict very many images into one file, by several workers; goes on after an end of any kind';

interface BulkFlags extends QueueFlags {
  readonly out: string;
  readonly list?: string;
  readonly top: number;
  readonly invert?: boolean;
  readonly workers?: number;
  readonly shardSize: number;
  readonly batchSize: number;
  readonly restart?: true;
  readonly json?: true;
}

/** @returns 0 if all images have an answer, 1 if some have none, 130 after Ctrl-C */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('infer bulk')
    .description(
      'Predicts very many images. The work is cut into shards, whose answers lie beside the output until all are there: the same ' +
        'call goes on where another one ended, however that was, and has each image once.',
    )
    .argument('<model.onnx>', 'the model')
    .argument('[image...]', 'image files, folders of them, patterns such as "images/**", or .parquet files of images')
    .addOption(
      checkedOption('--out', text('<file>'), 'the file to write: .parquet, .jsonl or .csv').makeOptionMandatory(),
    )
    .checked('--list', text('<file>'), 'a text file with the path of an image, or of a .parquet file, on each line')
    .checked('--top', wholeNumber(1), 'classes per image, the most probable first', 1)
    .option('--invert', 'light becomes dark: for photographs on white ground, where the model knows black')
    .checked(
      '--workers',
      wholeNumber(1, 256),
      'processes that work at a time [default: as many as processors, up to 4]',
    )
    .checked('--shard-size', wholeNumber(1), 'images that are done together: what a kill loses, at most', 1000)
    .checked('--batch-size', wholeNumber(1), 'images that the model gets at a time', 64)
    .option('--restart', 'begin anew: the work of another call for this file is removed, and the file replaced')
    .option('--json', 'print lines of JSON, for programs')
    .addHelpText('after', notes);
  queueFlags(command, shardQueue);
  addModelOptions(command);
  const flags = parseCommand(command, args, io);
  if (!flags) return 0;
  const given = flags as BulkFlags;
  requireFormat(given.out);
  const url = redisUrl(given, io);
  if (url !== null) requireNoWorkers(flags);
  const connection = url === null ? null : await openRedis(url, io);
  try {
    return await predict(command.args as [string, ...string[]], given, modelOptions(flags, io), connection, io);
  } finally {
    await connection?.close();
  }
}

async function predict(
  [model, ...named]: readonly [string, ...string[]],
  flags: BulkFlags,
  backend: OpenModelOptions,
  connection: RedisConnection | null,
  io: Io,
): Promise<number> {
  const { out, restart = false, json = false, workers, queue, list } = flags;
  const file = fileToWrite('--out', out, io.cwd);
  const folder = workFolderOf(file);
  const path = resolve(io.cwd, model);
  const bytes = await readModelFile(path);
  const read = readModel(path, bytes, backend);
  imageInput(read.name, read.signature);
  tellSignature(read, io);
  const shown = { output: read.signature.output, top: Math.min(flags.top, read.signature.output.size) };
  if (existsSync(file) && !restart && !(await planIn(folder))) {
    throw new UsageError(`--out ${out}: the file is there already; give another name, or --restart to do it again`);
  }
  const settings = settingsOf({ ...flags, top: shown.top }, backend);
  const call = { model: { path, sha256: sha256(bytes) }, settings, workingFolder: io.cwd };
  const plan = await preparePlan(folder, call, inputsFrom(await pathsOf(named, list, io), io.cwd), { restart });
  const missing = await missingShards(folder, plan);
  const total = plan.inputs.images;
  const done = total - missing.reduce((sum, shard) => sum + plan.shards[shard]![2], 0);
  if (done > 0) io.stderr.write(`${counted(done)} of ${counted(total)} images are done already\n`);
  const progress = new Progress(io, { json, total, done });
  try {
    await work(folder, missing, { plan, backend, workers, connection, queue, progress, io });
  } finally {
    progress.end();
  }
  if (io.signal.aborted && progress.done < total) {
    const code = stopCode(io.signal);
    const far = `stopped after ${counted(progress.done)} of ${counted(total)} images`;
    if (code !== 0) io.stderr.write(`${far}; the same call goes on from there\n`);
    return code;
  }
  const { figures } = progress;
  const failed = await writeOutput(file, folder, plan, shown);
  await removeWork(folder);
  conclude({ out, failed, total, figures, json }, io);
  return failed > 0 ? 1 : 0;
}

function settingsOf(
  { invert = false, top, batchSize, shardSize }: BulkFlags,
  { output, gives, pixels }: OpenModelOptions,
): BulkSettings {
  return { output, gives, pixels, invert, top, batchSize, shardSize };
}

/** @throws UsageError for what workers elsewhere say themselves */
function requireNoWorkers(flags: OptionValues): void {
  const [odd] = ['workers', ...Object.keys(backendFlags)].filter((name) => flags[name] !== undefined);
  if (odd === undefined) return;
  throw new UsageError(
    `--${odd} has no effect here: with --redis it is a flag of the workers (infer worker); leave it out`,
  );
}

async function pathsOf(
  named: readonly string[],
  list: string | undefined,
  io: Io,
): Promise<Iterable<string> | AsyncIterable<string>> {
  if (list !== undefined) {
    if (named.length > 0) throw new UsageError('--list: give images by it or by name, not both');
    return pathsListed(list, io.cwd);
  }
  if (named.length === 0) throw new UsageError('there are no images; name files, folders or patterns, or a --list');
  const { images, leftOut } = await findImages(named, io.cwd);
  if (leftOut !== null) io.stderr.write(printable(`warning: ${leftOut}\n`));
  return images;
}

interface Work {
  readonly plan: Plan;
  readonly backend: OpenModelOptions;
  readonly workers: number | undefined;
  /** To workers elsewhere; null for those of this call. */
  readonly connection: RedisConnection | null;
  readonly queue: string;
  readonly progress: Progress;
  readonly io: Io;
}

async function work(folder: string, missing: readonly number[], options: Work): Promise<void> {
  const { plan, backend, connection, queue, progress, io } = options;
  const run = (runners: readonly ShardRunner[]) =>
    runShards(missing, runners, {
      signal: io.signal,
      onDone: (figures, shard) => progress.add(figures, plan.shards[shard]![2]),
    });
  const taskOf = (shard: number) => ({ folder, plan: plan.id, shard });
  const say = (message: string) => {
    progress.end();
    io.stderr.write(printable(`warning: ${message}\n`));
  };
  if (connection && missing.length > 0) {
    const shards = await shardsByRedis(connection, { queue, owner: plan.id, say });
    // Enough that no worker waits for the next one.
    const ahead = Math.min(missing.length, 500);
    const runner: ShardRunner = (shard, signal) => shards.do(taskOf(shard), signal);
    await run(Array.from({ length: ahead }, () => runner)).finally(() => shards.close());
    return;
  }
  const processors = availableParallelism();
  // More processes decode faster; each holds the model.
  const count = Math.min(options.workers ?? Math.min(4, processors), missing.length);
  if (count === 0) return;
  if (count === 1) {
    const worker = new ShardWorker(backend);
    await run([(shard, signal) => worker.do(taskOf(shard), signal)]).finally(() => worker.dispose());
    return;
  }
  const processes = workerProcesses(count, backend, say);
  const runners = processes.map(
    (process): ShardRunner =>
      (shard, signal) =>
        process.do(taskOf(shard), signal),
  );
  await run(runners).finally(() => processes.forEach((process) => void process.stop()));
}

interface Conclusion {
  readonly out: string;
  readonly failed: number;
  readonly total: number;
  readonly figures: BulkFigures;
  readonly json: boolean;
}

function conclude({ out, failed, total, figures, json }: Conclusion, { stdout, stderr }: Io): void {
  if (json) stdout.write(`${JSON.stringify({ type: 'summary', out, total, failed, ...figures })}\n`);
  else {
    const took = figures.images > 0 ? `; ${speedOf(figures)}` : '';
    stdout.write(printable(`${out}: ${counted(total)} images${took}\n`));
  }
  if (failed === 0) return;
  stderr.write(`${counted(failed)} of ${counted(total)} images have no answer; their rows say why\n`);
}

const notes = `
Paths are relative to the folder you are in. Examples:
  pnpm infer bulk model.onnx "images/**" --out predictions.parquet
  pnpm infer bulk model.onnx "shards/*.parquet" --out predictions.jsonl --top 5
  pnpm infer bulk model.onnx --list paths.txt --out predictions.csv --redis redis://localhost:6379`;
