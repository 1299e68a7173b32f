// What a sweep ends with: the best trials beside each other, by text, page and JSON.

import { type Io, printable, writeAtomically } from '@bn/command-line';
import { comparisonText } from '../compare/figures.js';
import { readRun } from '../compare/read-run.js';
import { aligned } from '../display/format.js';
import { invocation } from '../display/invocation.js';
import { shortPath } from '../run/describe-run.js';
import { figureText } from './display.js';
import type { SweepProgress, TrialProgress } from './progress.js';
import { parametersText } from './sweep-file.js';
import type { SweepFolder } from './sweep-folder.js';

/** Runs that the table and the page have. */
const [compared, charted] = [5, 10];

export async function writeOutcome(
  folder: SweepFolder,
  progress: SweepProgress,
  json: boolean,
  { cwd, stdout }: Io,
): Promise<void> {
  const { metric, trials, ranked, best } = progress;
  const read = (some: readonly TrialProgress[]) => Promise.all(some.map(({ id }) => readRun(folder.run(id), cwd)));
  const page = await read(ranked.slice(0, charted));
  if (page.length > 0) {
    const { renderComparison } = await import('../compare/page.js');
    await writeAtomically(folder.report, await renderComparison(page));
  }
  if (json) {
    const outcome = { best: best?.id ?? null, metric: metric.name, goal: metric.goal, folder: folder.path, trials };
    stdout.write(`${JSON.stringify({ type: 'finish', ...outcome })}\n`);
    return;
  }
  const path = shortPath(folder.path, cwd);
  const lost = trials.filter(({ state }) => state === 'failed');
  const lines = [
    '',
    ...(page.length > 0 ? [comparisonText(page.slice(0, compared), stdout.columns ?? Infinity), ''] : []),
    ...seedLines(progress),
    ...lost.map(({ id, message }) => `trial ${id} failed: ${message}`),
    ...(lost.length > 0 ? [`what failed is tried again by: ${invocation} sweep --resume ${path}`, ''] : []),
    best
      ? `the best of ${trials.length} trials is ${best.id}: ${metric.name} ${figureText(best.figure)} with ${parametersText(best.parameters)}`
      : `none of ${trials.length} trials came to its end`,
    `recorded in ${path}: report.html compares the best; all, with: ${invocation} compare ${path}/trials/*`,
  ];
  stdout.write(`${printable(lines.join('\n'))}\n`);
}

/** Mean and range over the seeds of each combination, the best mean first; none where there is one seed. */
function seedLines({ ranked, metric }: SweepProgress): string[] {
  const groups = new Map<string, number[]>();
  for (const {
    parameters: { seed, ...rest },
    figure,
    state,
  } of ranked) {
    if (seed === undefined || state !== 'finished') continue;
    const name = parametersText(rest) || 'all';
    groups.set(name, [...(groups.get(name) ?? []), figure!]);
  }
  if (![...groups.values()].some(({ length }) => length > 1)) return [];
  const sign = metric.goal === 'minimize' ? 1 : -1;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const sorted = [...groups].sort(([, a], [, b]) => sign * (mean(a) - mean(b)));
  const row = ([name, values]: (typeof sorted)[number]) =>
    [name, `${values.length}`, mean(values), Math.min(...values), Math.max(...values)].map((cell) =>
      typeof cell === 'number' ? figureText(cell) : cell,
    );
  return [...aligned([[`${metric.name} over seeds`, 'seeds', 'mean', 'least', 'most'], ...sorted.map(row)]), ''];
}
