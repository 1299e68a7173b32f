// Speed over size, as a chart: one panel per axis, one line per participant.

import type { ScalingPoint } from '../commands/scaling.js';
import { drawChart } from './draw-chart.js';

const titles: Readonly<Record<string, string>> = {
  batch: 'LeNet-BN: batch size',
  width: 'two 3×3 convolutions: channels',
  depth: '3×3 convolutions of 32 channels: how many',
};

/** SVG. Both scales are logarithmic. */
export async function scalingChart(points: readonly ScalingPoint[]): Promise<string> {
  const panels = [...new Set(points.map(({ axis }) => axis))];
  return drawChart({
    resolve: { scale: { y: 'independent', x: 'independent' } },
    hconcat: panels.map((axis) => ({
      width: 260,
      height: 260,
      data: { values: points.filter((point) => point.axis === axis) },
      mark: { type: 'line', point: true },
      encoding: {
        x: {
          field: 'size',
          type: 'quantitative',
          scale: { type: 'log', base: 2 },
          axis: { title: titles[axis] ?? axis, grid: false, values: sizesOf(points, axis) },
        },
        y: {
          field: 'examplesPerSecond',
          type: 'quantitative',
          scale: { type: 'log' },
          axis: { title: 'training, examples/s', format: '~s' },
        },
        color: { field: 'name', type: 'nominal', legend: { title: null, labelLimit: 0 } },
      },
    })),
  });
}

function sizesOf(points: readonly ScalingPoint[], axis: string): number[] {
  return [...new Set(points.filter((point) => point.axis === axis).map(({ size }) => size))];
}
