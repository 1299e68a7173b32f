// The points of the textbook's figure, gathered from events: training loss and accuracy several times an epoch, test
// accuracy after each.

import type { StepEvent } from '@bn/core';
import type { Colors } from 'picocolors/types.js';
import type { EpochRecord } from '../run-record.js';
import { type Curve, curveChart } from './curve-chart.js';

const pointsPerEpoch = 5;

type Points = [epoch: number, value: number][];

export class TrainingCurves {
  readonly #loss: Points = [];
  readonly #trainAccuracy: Points = [];
  readonly #testAccuracy: Points = [];
  /** The chart drawn last: frames are drawn more often than points come. */
  #drawn: { key: string; lines: string[] } = { key: '', lines: [] };

  addStep({ epoch, step, stepsPerEpoch, epochSoFar }: StepEvent): void {
    const every = Math.max(1, Math.floor(stepsPerEpoch / pointsPerEpoch));
    if (step % every === 0) this.#addTraining(epoch - 1 + step / stepsPerEpoch, epochSoFar.loss, epochSoFar.accuracy);
  }

  /** A finished epoch of an earlier session. */
  addEpoch({ epoch, loss, trainAccuracy, testAccuracy }: EpochRecord): void {
    this.#addTraining(epoch, loss, trainAccuracy);
    this.addTestAccuracy(epoch, testAccuracy);
  }

  addTestAccuracy(epoch: number, accuracy: number | null): void {
    if (accuracy !== null) this.#testAccuracy.push([epoch, accuracy]);
  }

  #addTraining(position: number, loss: number, accuracy: number | null): void {
    this.#loss.push([position, loss]);
    if (accuracy !== null) this.#trainAccuracy.push([position, accuracy]);
  }

  /** No lines as long as there is no point, or where a chart has no room. */
  chart(size: { width: number; height: number; epochs: number }, colours: Colors): string[] {
    const key = [size.width, size.height, this.#loss.length, this.#testAccuracy.length].join();
    if (this.#drawn.key !== key) this.#drawn = { key, lines: this.#draw(size, colours) };
    return this.#drawn.lines;
  }

  #draw({ width, height, epochs }: { width: number; height: number; epochs: number }, colours: Colors): string[] {
    const curves = [
      curve('loss', this.#loss, [1, 0], colours.cyan),
      curve('train acc', this.#trainAccuracy, [4, 2], colours.magenta),
      curve('test acc', this.#testAccuracy, [1, 1], colours.green),
    ].filter(({ points }) => points.some(([, value]) => Number.isFinite(value)));
    if (curves.length === 0 || width < 40 || height < 7) return [];
    return curveChart(curves, { width, height, xEnd: epochs, xName: 'epoch', dim: colours.dim });
  }
}

function curve(name: string, points: Points, dash: Curve['dash'], paint: Curve['paint']): Curve {
  return { label: `${name} ${points.at(-1)?.[1].toFixed(3)}`, points, dash, paint };
}
