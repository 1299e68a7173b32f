// `bulk`: what a model says of very many images, into one file.

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import {
  CheckedCommand,
  checkedOption,
  fileToWrite,
  type Io,
  parseCommand,
  printable,
  readModelFile,
  stopCode,
  text,
  UsageError,
  wholeNumber,
} from '@bn/command-line';
import { openShardWorker, sha256 } from '../bulk/do-shards.js';
import { inputsFrom, pathsListed } from '../bulk/inputs.js';
import { type BulkFigures, counted, Progress, speedOf } from '../bulk/progress.js';
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
import { WorkerProcess } from '../bulk/worker-process.js';
import { requireFormat, writeOutput } from '../bulk/write-output.js';
import { addModelOptions, modelOptions } from '../config/model-options.js';
import { findImages } from '../images/find-images.js';
import { tellSignature } from '../model/describe-model.js';
import { imageInput } from '../model/image-input.js';
import { type OpenModelOptions, readModel } from '../model/open-model.js';

export const summary = 'predict very many images into one file, by several workers; goes on after an end of any kind';

interface BulkFlags {
  readonly out: string;
  readonly list?: string;
  readonly top: number;
  readonly invert?: true;
  readonly workers: number;
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
    .checked('--workers', wholeNumber(1, 256), 'processes that work at a time', defaultWorkers())
    .checked('--shard-size', wholeNumber(1), 'images that are done together: what a kill loses, at most', 1000)
    .checked('--batch-size', wholeNumber(1), 'images that the model gets at a time', 64)
    .option('--restart', 'begin anew: the output, and the work of another call for it, are removed')
    .option('--json', 'print lines of JSON, for programs')
    .addHelpText('after', notes);
  addModelOptions(command);
  const flags = parseCommand(command, args, io);
  if (!flags) return 0;
  const { out, restart = false, workers, json = false, ...others } = flags as BulkFlags;
  requireFormat(out);
  const file = fileToWrite('--out', out, io.cwd);
  const folder = workFolderOf(file);
  const [model, ...named] = command.args as [string, ...string[]];
  const path = resolve(io.cwd, model);
  const backend = modelOptions(flags, io);
  const { output, gives, pixels } = backend;
  const { invert = false, top, batchSize, shardSize } = others;
  const bytes = await readModelFile(path);
  const read = readModel(path, bytes, backend);
  imageInput(read.name, read.signature);
  tellSignature(read, io);
  const shown = { output: read.signature.output, top: Math.min(top, read.signature.output.size) };
  const settings: BulkSettings = { output, gives, pixels, invert, top: shown.top, batchSize, shardSize };
  if (existsSync(file) && !restart && !(await planIn(folder))) {
    throw new UsageError(`--out ${out}: the file is there already; give another name, or --restart to do it again`);
  }
  const paths = await pathsOf(named, others.list, io);
  const call = { model: { path, sha256: sha256(bytes) }, settings, workingFolder: io.cwd };
  const plan = await preparePlan(folder, call, inputsFrom(paths, io.cwd), { restart });
  const missing = await missingShards(folder, plan);
  const done = plan.inputs.images - missing.reduce((sum, shard) => sum + plan.shards[shard]![2], 0);
  if (done > 0) io.stderr.write(`${counted(done)} of ${counted(plan.inputs.images)} images are done already\n`);
  const progress = new Progress(io, { json, total: plan.inputs.images, done });
  await work(folder, missing, { plan, backend, workers, progress, io });
  progress.end();
  if (io.signal.aborted && progress.done < plan.inputs.images) {
    const code = stopCode(io.signal);
    const far = `stopped after ${counted(progress.done)} of ${counted(plan.inputs.images)} images`;
    if (code !== 0) io.stderr.write(`${far}; the same call goes on from there\n`);
    return code;
  }
  const failed = await writeOutput(file, folder, plan, shown);
  await removeWork(folder);
  conclude({ out, failed, total: plan.inputs.images, figures: progress.figures, json }, io);
  return failed > 0 ? 1 : 0;
}

/** More processes decode faster; each holds the model. */
function defaultWorkers(): number {
  return Math.min(4, availableParallelism());
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
  readonly workers: number;
  readonly progress: Progress;
  readonly io: Io;
}

async function work(folder: string, missing: readonly number[], options: Work): Promise<void> {
  const { plan, backend, progress, io } = options;
  const workers = Math.min(options.workers, missing.length);
  const run = (runners: readonly ShardRunner[]) =>
    runShards(missing, runners, {
      signal: io.signal,
      onDone: (figures, shard) => progress.add(figures, plan.shards[shard]![2]),
    });
  if (workers === 0) return;
  if (workers === 1) {
    const worker = await openShardWorker(folder, backend);
    try {
      await run([worker.do]);
    } finally {
      await worker.dispose();
    }
    return;
  }
  // The cores are shared out, unless it was said how many each takes.
  const threads = backend.threads ?? Math.max(1, Math.floor(availableParallelism() / workers));
  const say = (message: string) => io.stderr.write(printable(`warning: ${message}\n`));
  const processes = Array.from({ length: workers }, () => new WorkerProcess(folder, { ...backend, threads }, say));
  try {
    await run(processes.map(({ run }) => run));
  } finally {
    for (const process of processes) process.stop();
  }
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
  pnpm infer bulk model.onnx "shards/*.parquet" --out predictions.jsonl --top 5`;
