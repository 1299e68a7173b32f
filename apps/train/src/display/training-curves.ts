// The points of the textbook's figure, gathered from events: loss and the first metric, in training several times an epoch,
// on the test data after each.

import { stripVTControlCharacters } from 'node:util';
import type { Metrics, StepEvent } from '@bn/core';
import type { Colors } from 'picocolors/types.js';
import type { EpochRecord } from '../run-record.js';
import { braillePlot, type Curve } from './braille-plot.js';
import { shortName } from './format.js';

const pointsPerEpoch = 5;
/** From this many columns on, loss and metric have plots of their own, side by side. */
const wide = 100;
const gap = 3;

type Points = [epoch: number, value: number][];

export class TrainingCurves {
  readonly #loss: Points = [];
  readonly #testLoss: Points = [];
  readonly #train: Points = [];
  readonly #test: Points = [];
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
    this.addTest(record.epoch, record.test);
  }

  addTest(epoch: number, test: Metrics | undefined): void {
    if (!test) return;
    this.#testLoss.push([epoch, test.loss]);
    const value = test.metrics[this.#metric];
    if (value !== undefined) this.#test.push([epoch, value]);
  }

  #addTraining(position: number, { loss, metrics }: Metrics): void {
    this.#loss.push([position, loss]);
    this.#metric ||= Object.keys(metrics)[0] ?? '';
    const value = metrics[this.#metric];
    if (value !== undefined) this.#train.push([position, value]);
  }

  /** Always `height` lines, blank as long as there is no point; none at all where a chart has no room. */
  chart(size: { width: number; height: number; epochs: number }, colours: Colors): string[] {
    if (size.width < 40 || size.height < 8) return [];
    if (this.#loss.length === 0) return new Array<string>(size.height).fill(' ');
    const key = [size.width, size.height, this.#loss.length, this.#test.length].join();
    if (this.#drawn.key !== key) this.#drawn = { key, lines: this.#draw(size, colours) };
    return this.#drawn.lines;
  }

  #draw({ width, height, epochs }: { width: number; height: number; epochs: number }, colours: Colors): string[] {
    const metric = shortName(this.#metric);
    const loss = { name: 'loss', points: this.#loss, dashed: false, paint: colours.cyan };
    const testLoss = { name: 'test loss', points: this.#testLoss, dashed: true, paint: colours.yellow };
    const train = { name: `train ${metric}`, points: this.#train, dashed: false, paint: colours.magenta };
    const test = { name: `test ${metric}`, points: this.#test, dashed: true, paint: colours.green };
    const plot = (curves: Curve[], columns: number) =>
      braillePlot(curves, { width: columns, height, end: epochs, unit: 'epoch' });
    if (width < wide || this.#metric === '') return plot([loss, train, test], width);
    const columns = Math.floor((width - gap) / 2);
    const metrics = plot([train, test], columns);
    return plot([loss, testLoss], columns).map((line, row) => {
      const free = columns + gap - stringWidth(line);
      return `${line}${' '.repeat(free)}${metrics[row]}`;
    });
  }
}

/** All characters of a plot are one column wide. */
function stringWidth(line: string): number {
  return stripVTControlCharacters(line).length;
}
