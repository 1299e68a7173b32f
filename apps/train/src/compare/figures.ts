// What two or more runs differ in, as rows of a table with a column for each run.

import { type KnobName, knobs } from '../config/knobs.js';
import { shortName } from '../display/format.js';
import { metricsOf } from '../report/training-charts.js';
import { type EpochRecord, figureOf, lessIsBetter } from '../run-record.js';
import { type RecordedRun, settingText } from './read-run.js';

/** A name, then a text for each run. */
export type Row = readonly [name: string, ...texts: string[]];

/** Settings in which the runs differ. */
export function settingRows(runs: readonly RecordedRun[]): Row[] {
  const names = [...new Set(runs.flatMap(({ config }) => Object.keys(config)))];
  // A run from before there was such a setting has what is its default now.
  const settingOf = (config: RecordedRun['config'], name: string) =>
    name in config || !(name in knobs) ? config[name] : knobs[name as KnobName].preset;
  return names
    .map((name): Row => [name, ...runs.map(({ config }) => settingText(settingOf(config, name)))])
    .filter(([, ...texts]) => new Set(texts).size > 1);
}

/** Each figure after the last epoch, and where it was best on the test data. */
export function figureRows(runs: readonly RecordedRun[]): Row[] {
  const names = [...new Set(runs.flatMap(({ epochs }) => ['loss', ...metricsOf(epochs)]))];
  const row = (name: string, text: (epochs: readonly EpochRecord[]) => string | null): Row => {
    return [name, ...runs.map(({ epochs }) => text(epochs) ?? '–')];
  };
  return [
    row('epochs', (epochs) => String(epochs.length)),
    ...names.flatMap((name) => [
      row(`train ${shortName(name)}`, (epochs) => digits(epochs.at(-1) && figureOf(name, epochs.at(-1)!))),
      row(`test ${shortName(name)}`, (epochs) => digits(epochs.at(-1) && figureOf(name, epochs.at(-1)!.test))),
      row(`best test ${shortName(name)}`, (epochs) => bestText(name, epochs)),
    ]),
    row('examples/s', (epochs) => {
      const total = (key: 'examples' | 'seconds') => epochs.reduce((sum, epoch) => sum + epoch[key], 0);
      return epochs.length > 0 ? Math.round(total('examples') / total('seconds')).toLocaleString('en-US') : null;
    }),
    row('seconds of training', (epochs) => epochs.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(1)),
  ];
}

/** JSON has null for a number that is not finite. */
function digits(value: number | null | undefined): string | null {
  return value == null ? null : value.toFixed(4);
}

/** `0.8534 (epoch 7)` */
function bestText(name: string, epochs: readonly EpochRecord[]): string | null {
  const sign = lessIsBetter.includes(name) ? -1 : 1;
  const known = epochs.filter(({ test }) => Number.isFinite(figureOf(name, test)));
  const [best] = [...known].sort((a, b) => sign * (figureOf(name, b.test)! - figureOf(name, a.test)!));
  return best ? `${digits(figureOf(name, best.test))} (epoch ${best.epoch})` : null;
}
