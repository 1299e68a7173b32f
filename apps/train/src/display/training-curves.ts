// The points of the textbook's figure, gathered from events: loss and the first metric, in training several times an epoch,
// on the validation and test data after each.

import { stripVTControlCharacters } from 'node:util';
import type { Metrics, StepEvent } from '@bn/core';
import type { Colors } from 'picocolors/types.js';
import { bestValidated, type EpochRecord } from '../run-record.js';
import { braillePlot, type Curve } from './braille-plot.js';
import { shortName } from './format.js';

const pointsPerEpoch = 5;
/** From this many columns on, loss and metric have plots of their own, side by side. */
const wide = 100;
const gap = 3;

type Points = [epoch: number, value: number][];

/** What is known of a part of the data after an epoch. */
type Evaluated = Pick<EpochRecord, 'epoch' | 'validation'> & Partial<Pick<EpochRecord, 'test'>>;

interface ChartSize {
  readonly width: number;
  readonly height: number;
  readonly epochs: number;
  /** The figure by which the best epoch is pointed at; null for none. */
  readonly keptBy: string | null;
}

export class TrainingCurves {
  readonly #loss: Points = [];
  readonly #train: Points = [];
  readonly #evaluated: Evaluated[] = [];
  /** The first metric, as soon as there is one. */
  #metric = '';
  /** The chart drawn last: frames are drawn more often than points come. */
  #drawn: { key: string; lines: string[] } = { key: '', lines: [] };

  addStep({ epoch, step, stepsPerEpoch, epochSoFar }: StepEvent): void {
    const every = Math.max(1, Math.floor(stepsPerEpoch / pointsPerEpoch));
    if (step % every === 0) this.#addTraining(epoch - 1 + step / stepsPerEpoch, epochSoFar);
  }

  /** A finished epoch of an earlier call. */
  addEpoch(record: EpochRecord): void {
    this.#addTraining(record.epoch, record);
    this.addEvaluated(record);
  }

  addEvaluated(epoch: Evaluated): void {
    this.#evaluated.push(epoch);
  }

  #addTraining(position: number, { loss, metrics }: Metrics): void {
    this.#loss.push([position, loss]);
    this.#metric ||= Object.keys(metrics)[0] ?? '';
    const value = metrics[this.#metric];
    if (value !== undefined) this.#train.push([position, value]);
  }

  /** Always `height` lines, blank as long as there is no point; none at all where a chart has no room. */
  chart(size: ChartSize, colours: Colors): string[] {
    if (size.width < 40 || size.height < 8) return [];
    if (this.#loss.length === 0) return new Array<string>(size.height).fill(' ');
    const key = [size.width, size.height, this.#loss.length, this.#evaluated.length].join();
    if (this.#drawn.key !== key) this.#drawn = { key, lines: this.#draw(size, colours) };
    return this.#drawn.lines;
  }

  #draw({ width, height, epochs, keptBy }: ChartSize, colours: Colors): string[] {
    const metric = shortName(this.#metric);
    const pointsOf = (part: 'validation' | 'test', value: (metrics: Metrics) => number | undefined): Points =>
      this.#evaluated.flatMap(({ epoch, [part]: figures }) => {
        const y = figures && value(figures);
        return y === undefined ? [] : [[epoch, y]];
      });
    const curvesOf = (name: string, trained: Curve, value: (metrics: Metrics) => number | undefined): Curve[] => [
      trained,
      ...[
        { name: `val ${name}`, points: pointsOf('validation', value), line: 'dotted', paint: colours.blue } as const,
        { name: `test ${name}`, points: pointsOf('test', value), line: 'dashed', paint: colours.green } as const,
      ].filter(({ points }) => points.length > 0),
    ];
    const loss: Curve = { name: 'loss', points: this.#loss, line: 'solid', paint: colours.cyan };
    const train: Curve = { name: `train ${metric}`, points: this.#train, line: 'solid', paint: colours.magenta };
    const metrics = curvesOf(metric, train, (part) => part.metrics[this.#metric]);
    const best = bestValidated(keptBy, this.#evaluated)?.epoch;
    const pointer = best === undefined ? undefined : { x: best, name: `best epoch ${best}` };
    const plot = (curves: readonly Curve[], columns: number) =>
      braillePlot(curves, { width: columns, height, end: epochs, unit: 'epoch', pointer });
    if (width < wide || this.#metric === '') return plot([loss, ...metrics], width);
    const columns = Math.floor((width - gap) / 2);
    const right = plot(metrics, columns);
    return plot(
      curvesOf('loss', loss, (part) => part.loss),
      columns,
    ).map((line, row) => {
      const free = columns + gap - stringWidth(line);
      return `${line}${' '.repeat(free)}${right[row]}`;
    });
  }
}

/** All characters of a plot are one column wide. */
function stringWidth(line: string): number {
  return stripVTControlCharacters(line).length;
}
