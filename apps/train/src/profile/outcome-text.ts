// The outcome for people: a table by layer and direction, what is not in it, and the dearest phases.

import type { Phase } from '@bn/core';
import { aligned, stepsText } from '../display/format.js';
import { directions, layerShares, type ProfileRecord, partsOf, rateOf, type Share, warmUpSteps } from './record.js';

/** Phases that are listed one by one. */
const listed = 8;

export function outcomeText(record: ProfileRecord): string {
  const { model, data, batchSize, steps, backend, engine, device, medianSeconds, compileSeconds, report } = record;
  const cost = medianSeconds.profiled / medianSeconds.plain - 1;
  const { peak, memory } = report;
  return [
    `${model} on ${data}: ${stepsText(steps, batchSize)}, after ${warmUpSteps} that do not count`,
    `by ${backend}${engine === undefined ? '' : ` (${engine})`} on ${device}${peak === undefined ? '' : `, which can do ${gigaflops(peak)} GFLOP/s (measured)`}`,
    '',
    ...layerTable(record),
    '',
    ...(isFused(record) ? ['fused: computed within loops of other layers or directions, in whose time it is'] : []),
    `without profiling a step takes ${milliseconds(medianSeconds.plain)} ms, with it ${milliseconds(medianSeconds.profiled)} (${cost < 0 ? '' : '+'}${percent(cost, 1)}; medians)`,
    `compiled in ${(compileSeconds * 1000).toFixed(0)} ms`,
    ...(memory ? [`memory: ${memoryText(memory)}`] : []),
    '',
    'the dearest phases:',
    ...phaseTable(record),
  ].join('\n');
}

function isFused(record: ProfileRecord): boolean {
  return layerShares(record).some(({ directions }) => Object.values(directions).includes('fused'));
}

function layerTable(record: ProfileRecord): string[] {
  const { stepSeconds, report } = record;
  const withRates = report.phases.some(({ operations }) => operations !== undefined);
  const rate = `GFLOP/s${report.peak === undefined ? '' : ' (of peak)'}`;
  // Optimizers have no sums of products.
  const hasRate = (direction: string) => withRates && direction !== 'update';
  const header = [
    'layer',
    ...directions.flatMap((name) => [`${name} ms`, ...(hasRate(name) ? [rate] : [])]),
    'ms',
    'share',
  ];
  const rows = layerShares(record).map(({ layer, directions: shares, seconds }) => [
    nameOfLayer(layer),
    ...directions.flatMap((direction) => {
      const share = shares[direction];
      const cell = share === null ? '–' : share === 'fused' ? share : milliseconds(share.seconds);
      return [cell, ...(hasRate(direction) ? [rateText(share, report.peak)] : [])];
    }),
    ...[milliseconds(seconds), percent(seconds / stepSeconds, 1)],
  ]);
  const total = (name: string, seconds: number) => [
    name,
    ...header.slice(3).map(() => ''),
    ...[milliseconds(seconds), percent(seconds / stepSeconds, 1)],
  ];
  const { phases, waiting, around } = partsOf(record);
  const totals = [
    total('all phases', phases),
    total('waiting threads, dispatch', waiting),
    total('batch, copies, loss', around),
    total('step (mean)', stepSeconds),
  ];
  const lines = aligned([header, ...rows, ...totals]);
  const rule = '─'.repeat(Math.max(...lines.map((line) => line.length)));
  return [...lines.slice(0, 1), rule, ...lines.slice(1, -totals.length), rule, ...lines.slice(-totals.length)];
}

function phaseTable({ report, stepSeconds }: ProfileRecord): string[] {
  const { phases, runs, peak } = report;
  const dearest = [...phases].sort((a, b) => b.seconds - a.seconds).slice(0, listed);
  const rows = dearest.map((phase) => {
    const seconds = phase.seconds / runs;
    const rate = rateText({ seconds, rate: rateOf([phase], runs) }, peak);
    const unit = rate === '' ? '' : `${rate} GFLOP/s`;
    const what = `${phase.name}: ${originsText(phase)}`;
    return [what, `${milliseconds(seconds)} ms`, percent(seconds / stepSeconds, 1), unit];
  });
  return aligned(rows);
}

/** `conv2 backward, with conv2 update`. */
export function originsText({ origins }: Pick<Phase, 'origins'>): string {
  const [first, ...others] = origins.map(({ layer, direction }) => `${nameOfLayer(layer)} ${direction}`);
  if (first === undefined) return nameOfLayer(null);
  return others.length === 0 ? first : `${first}, with ${others.join(', ')}`;
}

export function nameOfLayer(layer: string | null): string {
  return layer === null ? '(of the runtime)' : layer === '' ? '(input, loss)' : layer;
}

/** `97 (83 %)`. */
function rateText(share: Share | 'fused' | null, peak: number | undefined): string {
  if (share === null || share === 'fused' || share.rate === null) return '';
  return `${gigaflops(share.rate)}${peak === undefined ? '' : ` (${percent(share.rate / peak)})`}`;
}

function gigaflops(rate: number): string {
  return (rate / 1e9).toFixed(rate < 1e10 ? 1 : 0);
}

function milliseconds(seconds: number): string {
  return (seconds * 1000).toFixed(3);
}

function percent(share: number, digits = 0): string {
  return `${(share * 100).toFixed(digits)} %`;
}

function memoryText(memory: Readonly<Record<string, number>>): string {
  return Object.entries(memory)
    .map(([name, bytes]) => `${(bytes / 2 ** 20).toFixed(2)} MiB ${name}`)
    .join('; ');
}
