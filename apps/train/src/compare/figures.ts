// What two or more runs differ in, as rows of a table with a column for each run.

import type { Metrics } from '@bn/core';
import { type KnobName, knobs } from '../config/knobs.js';
import { before } from '../config/resume.js';
import { alignedWithin, shortName } from '../display/format.js';
import { metricsOf } from '../report/training-charts.js';
import { bestBy, type EpochRecord, figureOf, keptBy, keptEpoch } from '../run-record.js';
import { type RecordedRun, settingText } from './read-run.js';

/** A name, then a text for each run. */
export type Row = readonly [name: string, ...texts: string[]];

/** Figures, and settings that differ, as a table for people; several beneath each other where that is wider than `width`. */
export function comparisonText(runs: readonly RecordedRun[], width: number): string {
  const settings = settingRows(runs);
  const heading = ['', ...runs.map(({ name }) => name)];
  const rows = [heading, ...figureRows(runs), ...(settings.length > 0 ? [[''], ...settings] : [])];
  return alignedWithin(rows, width).join('\n');
}

/** Settings in which the runs differ. */
export function settingRows(runs: readonly RecordedRun[]): Row[] {
  const names = [...new Set(runs.flatMap(({ config }) => Object.keys(config)))];
  // A run from before there was such a setting has what was done then, or what is its default now.
  const settingOf = (config: RecordedRun['config'], name: string) =>
    name in config || !(name in knobs) ? config[name] : (before[name as KnobName] ?? knobs[name as KnobName].preset);
  return names
    .map((name): Row => [name, ...runs.map(({ config }) => settingText(settingOf(config, name)))])
    .filter(([, ...texts]) => new Set(texts).size > 1);
}

/** Figures of the epoch whose weights count, where each was best on the test data, and the speed. */
export function figureRows(runs: readonly RecordedRun[]): Row[] {
  const names = [...new Set(runs.flatMap(({ epochs }) => ['loss', ...metricsOf(epochs)]))];
  const kept = runs.map(countingEpoch);
  const row = (name: string, texts: readonly (string | null)[]): Row => [name, ...texts.map((text) => text ?? '–')];
  const figures = (name: string, of: (epoch: EpochRecord) => Metrics | undefined) =>
    kept.map((epoch) => {
      const part = epoch && of(epoch);
      return digits(part && figureOf(name, part));
    });
  return [
    row(
      'epochs',
      runs.map(({ epochs }) => String(epochs.length)),
    ),
    row(
      'epoch that is kept',
      kept.map((epoch) => (epoch ? String(epoch.epoch) : null)),
    ),
    ...names.flatMap((name) => {
      const short = shortName(name);
      const validated = figures(name, ({ validation }) => validation);
      return [
        row(
          `train ${short}`,
          figures(name, (epoch) => epoch),
        ),
        ...(validated.some((text) => text !== null) ? [row(`validation ${short}`, validated)] : []),
        row(
          `test ${short}`,
          figures(name, ({ test }) => test),
        ),
        row(
          `best test ${short}`,
          runs.map(({ epochs }) => bestText(name, epochs)),
        ),
      ];
    }),
    row(
      'examples/s',
      runs.map(({ epochs }) => rateText(epochs)),
    ),
    row(
      'seconds of training',
      runs.map(({ epochs }) => totalOf(epochs, 'seconds').toFixed(1)),
    ),
  ];
}

/** The one whose weights count. */
function countingEpoch({ config, epochs }: RecordedRun): EpochRecord | undefined {
  return keptEpoch(keptBy(config), epochs) ?? epochs.at(-1);
}

function totalOf(epochs: readonly EpochRecord[], key: 'examples' | 'seconds'): number {
  return epochs.reduce((sum, epoch) => sum + epoch[key], 0);
}

function rateText(epochs: readonly EpochRecord[]): string | null {
  if (epochs.length === 0) return null;
  return Math.round(totalOf(epochs, 'examples') / totalOf(epochs, 'seconds')).toLocaleString('en-US');
}

/** JSON has null for a number that is not finite. */
function digits(value: number | null | undefined): string | null {
  return value == null ? null : value.toFixed(4);
}

/** `0.8534 (epoch 7)` */
function bestText(name: string, epochs: readonly EpochRecord[]): string | null {
  const best = bestBy(name, epochs, ({ test }) => test);
  return best ? `${digits(figureOf(name, best.test))} (epoch ${best.epoch})` : null;
}
