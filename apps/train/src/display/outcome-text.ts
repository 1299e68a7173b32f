// What a run ends with, in the textbook's form.

import type { RunOutcome } from './display.js';
import { formatMetrics, shortName } from './format.js';

/** Beyond this many channels an array shows its ends only. */
const longest = 64;

/** Lines without a closing newline, at most `width` columns where the texts allow. */
export function outcomeText({ summary, firstBatchNorm, folder }: RunOutcome, width = 80): string {
  const { kept } = summary;
  const lines = [
    ...(kept
      ? [
          `epoch ${kept.epoch} is kept: the last whose validation ${shortName(kept.by)}, ${kept.value.toFixed(3)}, is the best but for chance`,
        ]
      : []),
    formatMetrics(summary, ', '),
    `${summary.examplesPerSecond.toFixed(1)} examples/sec on ${summary.device}`,
  ];
  const [first] = Object.keys(summary.metrics);
  if (summary.recalibrated && first !== undefined) {
    lines.push(
      '',
      `test ${shortName(first)} with moving averages         ${summary.test.metrics[first]!.toFixed(3)}`,
      `test ${shortName(first)} with recalibrated statistics ${summary.recalibrated.metrics[first]!.toFixed(3)}`,
    );
  }
  if (firstBatchNorm) {
    const { path, gamma, beta } = firstBatchNorm;
    lines.push('', formatArray(`${path}.gamma`, gamma, width), formatArray(`${path}.beta `, beta, width));
  }
  if (folder !== null) lines.push('', `recorded in ${folder}: report.html has the charts`);
  return lines.join('\n');
}

/** `bn1.gamma [1.9371, 2.0912, …]`, wrapped under its first number. */
function formatArray(name: string, values: readonly number[], width: number): string {
  const head = `${name} [`;
  const items = values.map((value) => value.toFixed(4));
  if (items.length > longest) items.splice(8, items.length - 16, '…');
  // Numbers stand in columns, those below zero too.
  const widest = Math.max(...items.map((item) => item.length));
  const padded = items.map((item) => item.padStart(widest));
  const perLine = Math.max(1, Math.floor((width - head.length + 1) / (widest + 2)));
  const lines: string[] = [];
  for (let i = 0; i < items.length; i += perLine) {
    lines.push(padded.slice(i, i + perLine).join(', '));
  }
  return `${head}${lines.join(`,\n${' '.repeat(head.length)}`)}]`;
}
