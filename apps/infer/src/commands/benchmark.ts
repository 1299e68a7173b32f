// `benchmark`: examples per second and latency of a model, by batch size.

import { resolve } from 'node:path';
import {
  CheckedCommand,
  checkedList,
  type Io,
  parseCommand,
  positive,
  printable,
  stopCode,
  wholeNumber,
  wrapWords,
} from '@bn/command-line';
import pc from 'picocolors';
import { type BatchTiming, benchmarkModel } from '../benchmark/benchmark-model.js';
import { addModelOptions, modelOptions } from '../config/model-options.js';
import { describeBackend, describeMachine, tellSignature } from '../model/describe-model.js';
import { openModel } from '../model/open-model.js';
import { benchmarkServer } from '../serve/benchmark-server.js';
import { showServerJson, showServerTable } from '../serve/show-server-benchmark.js';
import { type Column, tableLine } from '../text/table.js';

export const summary = 'examples per second and latency of a model, by batch size, or of a server of it';

interface BenchmarkFlags {
  readonly batchSizes: readonly number[];
  readonly seconds: number;
  readonly server?: true;
  readonly json?: true;
}

/** @returns 0, or 130 after Ctrl-C */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('infer benchmark')
    .description(
      'Times a model from an ONNX file, run after run: from features in memory to answers in memory, without ' +
        'reading and resizing images. Close other programs meanwhile.',
    )
    .argument('<model.onnx>', 'the model')
    .addOption(checkedList('--batch-sizes', wholeNumber(1, 65_536), 'examples per run').default([1, 8, 32, 256]))
    .checked('--seconds', positive, 'time for each timing, after a quarter of it unmeasured', 2)
    .option(
      '--server',
      'times `serve` instead: requests of one image, by one client and by 64, in batches and one by one',
    )
    .option('--json', 'print a line of JSON per batch size, for programs')
    .addHelpText('after', notes);
  command.options.find(({ long }) => long === '--server')!.conflicts('batchSizes');
  addModelOptions(command);
  const flags = parseCommand(command, args, io);
  if (!flags) return 0;
  const { batchSizes, seconds, server, json } = flags as BenchmarkFlags;
  if (server) {
    const show = json ? showServerJson(io) : showServerTable(io);
    const file = resolve(io.cwd, command.args[0]!);
    const options = { backend: modelOptions(flags, io), seconds, env: io.env, signal: io.signal };
    for await (const timing of benchmarkServer(file, options)) show(timing);
    return exitCode(io);
  }
  const model = await openModel(resolve(io.cwd, command.args[0]!), modelOptions(flags, io));
  try {
    tellSignature(model, io);
    const about = { model: model.name, backend: describeBackend(model), machine: describeMachine() };
    const show = json ? showJson(about, io) : showTable(about, io);
    for await (const timing of benchmarkModel(model, batchSizes, { seconds, signal: io.signal })) show(timing);
  } finally {
    await model.dispose();
  }
  return exitCode(io);
}

function exitCode({ signal }: Io): number {
  return signal.aborted ? stopCode(signal) : 0;
}

/** What was measured. */
interface About {
  readonly model: string;
  readonly backend: string;
  readonly machine: string;
}

function showJson(about: About, { stdout }: Io): (timing: BatchTiming) => void {
  const write = (object: object) => stdout.write(`${JSON.stringify(object)}\n`);
  write({ type: 'start', ...about });
  return ({ latency, ...timing }) => write({ type: 'benchmark', ...timing, latencyMilliseconds: latency });
}

function showTable({ model, backend, machine }: About, { stdout }: Io): (timing: BatchTiming) => void {
  const widths = { batch: 5, 'examples/s': 12, 'p50 ms': 9, 'p90 ms': 9, 'p99 ms': 9, runs: 8 };
  const columns = Object.entries(widths).map(([title, width]): Column => ({ title, width, align: 'right' }));
  const write = (cells: readonly string[]) => stdout.write(`${tableLine(columns, cells)}\n`);
  const colours = pc.createColors(stdout.hasColors?.() ?? false);
  const title = printable(`${model}, by ${backend}\n${machine}`);
  stdout.write(`${stdout.columns ? wrapWords(title, stdout.columns) : title}\n\n`);
  write(columns.map(({ title }) => colours.dim(title)));
  return ({ batchSize, examplesPerSecond, latency, runs }) => {
    const times = [latency.p50, latency.p90, latency.p99].map((milliseconds) => milliseconds.toFixed(3));
    const count = (n: number) => Math.round(n).toLocaleString('en-US');
    write([String(batchSize), count(examplesPerSecond), ...times, count(runs)]);
  };
}

const notes = `
Examples:
  pnpm infer benchmark model.onnx --batch-sizes 1,64
  pnpm infer benchmark model.onnx --server --backend onnxruntime-cuda`;
