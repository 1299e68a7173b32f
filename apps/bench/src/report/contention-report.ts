// The results of `contention` as Markdown: a table for single images, one for training steps.

import type { Contended } from '../measure/contention.js';
import type { Machine } from '../measure/machine.js';
import type { Percentiles } from '../measure/measure.js';
import { machineLine, markdownTable, nameOf } from './bench-report.js';

export interface ContentionReport {
  readonly machine: Machine;
  /** ISO 8601. */
  readonly date: string;
  readonly batchSize: number;
  readonly results: readonly Contended[];
}

export function contentionReport({ machine, date, batchSize, results }: ContentionReport): string {
  const table = (title: string, unit: number, of: (one: Contended) => Percentiles | null) =>
    `### ${title}\n\n${percentileTable(results, unit, of)}`;
  return [
    machineLine(machine, date),
    table('LeNet-BN: one image, µs: p50, p90', 1e6, ({ image }) => image),
    table(`LeNet-BN: a training step of ${batchSize} images, ms: p50, p90`, 1e3, ({ step }) => step),
  ].join('\n');
}

/** @param unit in a second */
function percentileTable(
  results: readonly Contended[],
  unit: number,
  of: (one: Contended) => Percentiles | null,
): string {
  const rowName = (one: Contended) => `${nameOf(one)}, ${one.threads} ${one.threads === 1 ? 'thread' : 'threads'}`;
  const counts = [...new Set(results.map(({ busy }) => busy))];
  const rows = [...new Set(results.map(rowName))].map((name) => [
    name,
    ...counts.map((busy) => {
      const one = results.find((result) => rowName(result) === name && result.busy === busy);
      const times = one && of(one);
      if (!times) return 'cannot';
      const digits = unit === 1e6 ? 0 : 1;
      return [times.p50, times.p90].map((seconds) => (seconds * unit).toFixed(digits)).join(', ');
    }),
  ]);
  return markdownTable(
    ['', ...counts.map((count) => (count === 1 ? '1 busy process' : `${count} busy processes`))],
    rows,
  );
}
