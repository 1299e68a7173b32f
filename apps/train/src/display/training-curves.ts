// The points of the textbook's figure, gathered from events: training loss and the first metric several times an epoch, on the
// test data after each.

import { stripVTControlCharacters } from 'node:util';
import type { Metrics, StepEvent } from '@bn/core';
import type { Color } from 'simple-ascii-chart';
import { plot } from 'simple-ascii-chart';
import type { EpochRecord } from '../run-record.js';
import { shortName } from './format.js';

const pointsPerEpoch = 5;

type Points = [epoch: number, value: number][];

export class TrainingCurves {
  readonly #loss: Points = [];
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
    const value = test?.metrics[this.#metric];
    if (value !== undefined) this.#test.push([epoch, value]);
  }

  #addTraining(position: number, { loss, metrics }: Metrics): void {
    this.#loss.push([position, loss]);
    this.#metric ||= Object.keys(metrics)[0] ?? '';
    const value = metrics[this.#metric];
    if (value !== undefined) this.#train.push([position, value]);
  }

  /** Always `height` lines, blank as long as there is no point; none at all where a chart has no room. */
  chart(size: { width: number; height: number; epochs: number }, inColour: boolean): string[] {
    if (size.width < 40 || size.height < 12) return [];
    if (this.#loss.length === 0) return new Array<string>(size.height).fill(' ');
    const key = [size.width, size.height, this.#loss.length, this.#test.length].join();
    if (this.#drawn.key !== key) this.#drawn = { key, lines: this.#draw(size, inColour) };
    return this.#drawn.lines;
  }

  #draw({ width, height, epochs }: { width: number; height: number; epochs: number }, inColour: boolean): string[] {
    // A point at its end keeps the time axis as long as the whole training.
    const end: Points = [[epochs, 0]];
    const curves = [
      curve('loss', this.#loss),
      curve(`train ${shortName(this.#metric)}`, this.#train),
      curve(`test ${shortName(this.#metric)}`, this.#test),
    ];
    const values = curves.flatMap(({ points }) => points.map(([, value]) => value));
    const highest = Math.ceil(2 * Math.max(1, ...values)) / 2;
    const chart = plot([...curves.map(({ points }) => (points.length > 0 ? points : end)), end], {
      width: width - 10,
      height: height - surroundings,
      yRange: [0, highest],
      customXAxisTicks: wholeEpochs(epochs, width),
      customYAxisTicks: [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => Number((share * highest).toFixed(3))),
      legend: { position: 'bottom', series: curves.map(({ name }) => name) },
      ...(inColour && { color: ['ansiCyan', 'ansiMagenta', 'ansiGreen', 'ansiWhite'] satisfies Color[] }),
    });
    return chart.split('\n').filter((line) => stripVTControlCharacters(line).trim() !== '');
  }
}

/** Lines around the grid of points: arrow, axis and its numbers, names of the curves. */
const surroundings = 6;

/** Points that are finite (a loss that is not stops the run anyway), and a name with the latest value. */
function curve(name: string, all: Points) {
  const points = all.filter(([, value]) => Number.isFinite(value));
  return { name: `${name} ${points.at(-1)?.[1].toFixed(3) ?? ''}`, points };
}

/** At most one mark for every six columns. */
function wholeEpochs(epochs: number, width: number): number[] {
  const step = Math.ceil((epochs * 6) / (width - 10));
  return Array.from({ length: Math.floor(epochs / step) }, (_, i) => (i + 1) * step);
}
