// `scaling`: how the cost of training grows with the size of batches, the width and the depth of a network.

import {
  checkedList,
  checkedOption,
  fileToWrite,
  type Io,
  oneOf,
  parseCommand,
  stopCode,
  text,
  wholeNumber,
} from '@bn/command-line';
import { Command } from 'commander';
import { describeMachine } from '../measure/machine.js';
import { measure } from '../measure/measure.js';
import { summarize } from '../measure/summarize.js';
import { type Network, networks } from '../networks.js';
import { scalingChart } from '../report/scaling-chart.js';
import { writeReport } from '../report/write-report.js';
import { addSharedOptions, participantsOf, type SharedFlags } from '../settings.js';

export const summary = 'measure how speed changes with batch size, width and depth, as a chart';

interface ScalingFlags extends SharedFlags {
  readonly axes: string[];
  readonly examples?: number;
  readonly out: string;
}

/** One measurement: who, at which size, how fast. */
export interface ScalingPoint {
  readonly axis: string;
  readonly size: number;
  readonly name: string;
  readonly examplesPerSecond: number;
}

interface Axis {
  readonly sizes: readonly number[];
  /** The network and batch size that are measured for a size. */
  at(size: number): { readonly network: Network; readonly batchSize: number };
}

const { 'lenet-bn': lenet } = networks as { 'lenet-bn': Network };

/** Convolutions with 3×3 kernels on 14×14 images after a first pooling: of one width, one after the other. */
function stack(width: number, depth: number): Network {
  const block = [['conv', width, 3, 1], ['bn'], ['relu']] as const;
  return {
    description: `${depth} convolutions of ${width} channels`,
    shape: [1, 28, 28],
    layers: [['maxPool', 2], ...Array.from({ length: depth }, () => block).flat(), ['globalPool'], ['dense', 10]],
    learningRate: 0.1,
    examples: Math.max(1024, Math.min(20_480, Math.round(2_000_000 / (width * width * depth)) * 128)),
  };
}

const axes: Readonly<Record<string, Axis>> = {
  batch: {
    sizes: [32, 64, 128, 256, 512, 1024, 2048, 4096],
    at: (batchSize) => ({ network: { ...lenet, examples: 20_480 }, batchSize }),
  },
  width: { sizes: [8, 16, 32, 64, 128], at: (width) => ({ network: stack(width, 2), batchSize: 128 }) },
  depth: { sizes: [1, 2, 4, 8], at: (depth) => ({ network: stack(32, depth), batchSize: 128 }) },
};

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = addSharedOptions(new Command('bench scaling'), 3)
    .description('Trains LeNet with growing batches, and stacks of convolutions of growing width and depth.')
    .addOption(checkedList('--axes', oneOf(...Object.keys(axes)), 'which').default(Object.keys(axes)))
    .addOption(checkedOption('--examples', wholeNumber(1), 'images per epoch, at most'))
    .addOption(
      checkedOption('--out', text('<file>'), 'file to write the chart to, with the data beside it as .json').default(
        'scaling.svg',
      ),
    )
    .addHelpText('after', notes);
  const flags = parseCommand(command, args, io) as ScalingFlags | null;
  if (!flags) return 0;

  const out = fileToWrite('--out', flags.out, io.cwd);
  const participants = await participantsOf(flags, ['wasm', 'onnxruntime-cuda', 'torch-compiled']);
  const points: ScalingPoint[] = [];
  for (const axis of flags.axes) {
    const { sizes, at } = axes[axis]!;
    for (const size of sizes) {
      const { threads, rounds } = flags;
      const { network, batchSize } = at(size);
      const examples = Math.min(network.examples, flags.examples ?? network.examples);
      const measured = await measure(participants, {
        ...{ network: { ...network, examples }, batchSize, threads, rounds, predictionSeconds: 0 },
        signal: io.signal,
        say: (text) => io.stderr.write(`${axis} ${size}  ${text}\n`),
      });
      if (!measured) return stopCode(io.signal);
      for (const { name, epochs } of measured) {
        if (epochs.length === 0) continue;
        points.push({ axis, size, name, examplesPerSecond: summarize(epochs).median });
      }
    }
  }
  const date = new Date().toISOString().slice(0, 10);
  const chart = await scalingChart(points);
  await writeReport(out, io, chart, { machine: describeMachine(), date, points });
  return 0;
}

const notes = `
Example:
  pnpm bench scaling --axes batch --participants wasm --out batch.svg`;
