// How the displays write figures: the same words in the terminal and in a pipe.

import type { Metrics } from '@bn/core';
import type { RunDescription } from '../run-record.js';

/** What metrics are called where there is little room. */
const shortNames: Readonly<Record<string, string>> = { accuracy: 'acc', top5: 'top-5 acc', absoluteError: 'abs error' };

export function shortName(metric: string): string {
  return shortNames[metric] ?? metric;
}

/** `loss 0.412  train acc 0.849  val acc 0.831  test acc 0.832`, and so on for each metric. */
export function formatMetrics(
  { loss, metrics, validation, test }: Metrics & { validation?: Metrics; test?: Metrics },
  separator: string,
): string {
  const figures = (part: string, values: Metrics['metrics']) =>
    Object.entries(values).map(([name, value]) => `${part} ${shortName(name)} ${value.toFixed(3)}`);
  return [
    `loss ${loss.toFixed(3)}`,
    ...figures('train', metrics),
    ...figures('val', validation?.metrics ?? {}),
    ...figures('test', test?.metrics ?? {}),
  ].join(separator);
}

export function formatRate(examplesPerSecond: number): string {
  return `${Math.round(examplesPerSecond).toLocaleString('en-US')} examples/s`;
}

/** `28 s`, `3 min 05 s`, `1 h 12 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** `lenet-bn on fashion-mnist, by onnxruntime-cuda on cpu (2 threads); no CUDA: …`. */
export function formatDescription({ model, data, backend, device, engine, deviceReason }: RunDescription): string {
  const by = engine === undefined ? backend : `${backend} (${engine})`;
  return `${model} on ${data}, by ${by} on ${device}${deviceReason === undefined ? '' : `; ${deviceReason}`}`;
}

/** `60 steps of 256 examples`. */
export function stepsText(steps: number, batchSize: number): string {
  return `${steps} step${steps === 1 ? '' : 's'} of ${batchSize} example${batchSize === 1 ? '' : 's'}`;
}

/** Columns side by side: the first one to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const cell = (text: string, i: number) => (i === 0 ? text.padEnd(width(i)) : text.padStart(width(i)));
  return rows.map((row) => row.map(cell).join('  ').trimEnd());
}

/** As `aligned`, but where that is wider than `width`, tables one beneath the other, each with the first column and as many of the others as fit. */
export function alignedWithin(rows: readonly (readonly string[])[], width: number): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const tables: number[][] = [];
  let room = 0;
  for (const [column, own] of widths.entries()) {
    if (column === 0) continue;
    if (tables.length === 0 || room < own + 2) {
      tables.push([0]);
      room = width - widths[0]!;
    }
    tables.at(-1)!.push(column);
    room -= own + 2;
  }
  const tableOf = (columns: readonly number[]) => aligned(rows.map((row) => columns.flatMap((i) => row[i] ?? [])));
  return tables.flatMap((columns, i) => [...(i > 0 ? [''] : []), ...tableOf(columns)]);
}
