// The results of `bench` as Markdown.

import type { BenchResult } from '../commands/bench.js';
import type { Machine } from '../measure/machine.js';
import type { Measured } from '../measure/measure.js';
import { summarize } from '../measure/summarize.js';
import { networks } from '../networks.js';

export interface BenchReport {
  readonly machine: Machine;
  /** ISO 8601. */
  readonly date: string;
  readonly results: readonly BenchResult[];
}

export function benchReport({ machine, date, results }: BenchReport): string {
  return [machineLine(machine, date), ...results.map(section)].join('\n');
}

export function machineLine({ processor, processors, memoryBytes, system }: Machine, date: string): string {
  return `${processor}, ${processors} processors, ${Math.round(memoryBytes / 2 ** 30)} GB, ${system}; ${date}\n`;
}

function section({ network, batchSize, threads, examples, measured }: BenchResult): string {
  const rows = measured.map((one) => rowOf(one, measured));
  const table = markdownTable(
    [
      '',
      'training, examples/s',
      'of the first',
      'predictions/s, batch 256',
      'one image, µs: p50, p90, p99',
      'first step, s',
      'peak memory, MB',
      'loss of epoch 1',
    ],
    rows,
  );
  const most = trained(measured).reduce((sum, { epochs }) => sum + summarize(epochs).disturbed, 0);
  const note =
    most === 0 ? '' : `\n${most} epochs were disturbed by other programs and do not count where quiet ones do.\n`;
  const rounds = Math.max(0, ...measured.map(({ epochs }) => epochs.length));
  return (
    `### ${network}: ${networks[network]!.description}\n\n` +
    `Batch ${batchSize}, ${threads} threads, epochs of ${examples.toLocaleString('en-US')} images, in turns; medians of ${rounds} [lowest to highest].\n\n` +
    `${table}${note}${refusals(measured)}${roofline(measured)}`
  );
}

function trained(measured: readonly Measured[]): readonly Measured[] {
  return measured.filter(({ epochs }) => epochs.length > 0);
}

/** Who cannot do what, and why. */
function refusals(measured: readonly Measured[]): string {
  const lines = measured.flatMap((one) => {
    const { train, predict } = one.cannot ?? {};
    if (train === undefined && predict === undefined) return [];
    const what = train === predict ? 'train or predict' : train === undefined ? 'predict' : 'train';
    return [`${nameOf(one)} cannot ${what}: ${train ?? predict}.`];
  });
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`;
}

/** What the processor's arithmetic alone allows, for those that have a measured peak. */
function roofline(measured: readonly Measured[]): string {
  const operations = measured.find(({ limits }) => limits.operations !== null)?.limits.operations;
  const limited = trained(measured).filter(({ limits }) => limits.peak !== null);
  if (!operations || limited.length === 0) return '';
  const bounds = limited.map((one) => {
    const most = one.limits.peak! / operations;
    const share = Math.round((100 * summarize(one.epochs).median) / most);
    return `${nameOf(one)}: ${(one.limits.peak! / 1e9).toFixed(0)} GFLOP/s, at most ${rounded(most)} examples/s, of which ${share} % are reached`;
  });
  return (
    `\nRoofline: products and convolutions take ${(operations / 1e6).toFixed(2)} MFLOP per example and step as @bn/wasm ` +
    `computes them, which is fewer than their definitions say where Winograd's transforms are used. Measured peaks ` +
    `(@bn/wasm: multiply-adds of 128 bits; PyTorch: a matrix product of 1024 × 1024): ${bounds.join('; ')}.\n`
  );
}

export function nameOf({ id, name, version, runtime }: Pick<Measured, 'id' | 'name' | 'version' | 'runtime'>): string {
  if (name.startsWith('@bn/')) return `${name}, ${runtime}`;
  const how = id === 'torch-compiled' ? ', compiled' : id === 'torch' ? ', eager' : '';
  return `${name} ${version}${how}`;
}

function rowOf(one: Measured, measured: readonly Measured[]): string[] {
  const { cannot, latency, predictionsPerSecond, firstStepSeconds, limits, firstLoss } = one;
  const training = cannot?.train === undefined ? speedOf(one, trained(measured)[0]!) : ['cannot', '–'];
  const none = cannot?.predict === undefined ? '–' : 'cannot';
  const micro = (seconds: number) => (seconds * 1e6).toFixed(0);
  return [
    nameOf(one),
    ...training,
    predictionsPerSecond === null ? none : rounded(predictionsPerSecond),
    latency === null ? none : [latency.p50, latency.p90, latency.p99].map(micro).join(', '),
    firstStepSeconds === null ? '–' : firstStepSeconds.toFixed(2),
    limits.peakBytes === null ? '–' : (limits.peakBytes / 2 ** 20).toFixed(0),
    firstLoss === null ? '–' : firstLoss.toFixed(3),
  ];
}

function speedOf(one: Measured, first: Measured): string[] {
  const { median, lowest, highest } = summarize(one.epochs);
  const ratio = (median / summarize(first.epochs).median).toFixed(2);
  return [`${rounded(median)} [${rounded(lowest)} to ${rounded(highest)}]`, ratio];
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map(line).join('');
}

/** A rate with three or more digits, for people: `48,600`. */
export function rounded(value: number): string {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 2);
  return (Math.round(value / step) * step).toLocaleString('en-US');
}
