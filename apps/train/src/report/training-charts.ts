// Loss and metrics over the epochs: a chart each for the page, and the textbook's single figure as a file.

import type { Metrics } from '@bn/core';
import type { TopLevelSpec } from 'vega-lite';
import { shortName } from '../display/format.js';
import type { EpochRecord } from '../run-record.js';
import { type ChartTheme, pageTheme, renderChart } from './chart.js';
import { type Html, html } from './html.js';

interface Series {
  readonly name: string;
  readonly color: string;
  readonly dash: readonly number[];
  readonly value: (epoch: EpochRecord) => number | undefined;
}

const fileTheme: ChartTheme = {
  font: 'Helvetica, Arial, sans-serif',
  ink: '#1c2024',
  muted: '#5c6670',
  grid: '#e3e6ea',
};
const solid = [1, 0];

/** The textbook's figure, as a file of its own on white. */
export async function renderCurves(epochs: readonly EpochRecord[]): Promise<string> {
  const [metric = ''] = metricsOf(epochs);
  const name = shortName(metric);
  const series: Series[] = [
    { name: 'train loss', color: '#2563c9', dash: solid, value: ({ loss }) => loss },
    { name: `train ${name}`, color: '#b0328c', dash: [7, 4], value: ({ metrics }) => metrics[metric] },
    { name: `test ${name}`, color: '#1f8a4c', dash: [7, 3, 1, 3], value: ({ test }) => test.metrics[metric] },
  ];
  const spec = lineChart(epochs, withValues(series, epochs), { width: 520, height: 360, zero: false, legend: true });
  const page = { background: '#ffffff', padding: { left: 14, top: 16, right: 18, bottom: 12 } };
  const svg = await renderChart({ ...spec, ...page }, 'Training curves', fileTheme);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.text}\n`;
}

const training = { name: 'training', color: 'var(--train)', dash: solid };
const test = { name: 'test', color: 'var(--test)', dash: [6, 4] };
const titles: Readonly<Record<string, string>> = {
  accuracy: 'Accuracy',
  top5: 'Top-5 accuracy',
  absoluteError: 'Absolute error',
};

function metricsOf(epochs: readonly EpochRecord[]): string[] {
  return Object.keys(epochs[0]?.metrics ?? {});
}

/** Loss and each metric, in training and test as far as there are any. */
export async function trainingFigures(epochs: readonly EpochRecord[]): Promise<Html[]> {
  const chartOf = (title: string, zero: boolean, value: (metrics: Metrics) => number | undefined) => {
    return {
      title,
      zero,
      series: [
        { ...training, value },
        { ...test, value: ({ test }: EpochRecord) => value(test) },
      ],
    };
  };
  const charts = [
    chartOf('Loss', true, ({ loss }) => loss),
    ...metricsOf(epochs).map((name) => chartOf(titles[name] ?? name, false, ({ metrics }) => metrics[name])),
  ];
  const figures = charts.map(async ({ title, zero, series }) => {
    const present = withValues(series, epochs);
    if (present.length === 0) return [];
    const spec = lineChart(epochs, present, { width: 450, height: 270, zero, legend: false });
    const names = present.map(({ name }) => name);
    return [
      html`<figure class="card">
<figcaption><b>${title}</b> <span class="legend">${names.map((name) => html`<i class="key ${name}"></i>${name} `)}</span></figcaption>
${await renderChart(spec, `${title} by epoch: ${names.join(' and ')}`, pageTheme)}
</figure>`,
    ];
  });
  return (await Promise.all(figures)).flat();
}

function lineChart(
  epochs: readonly EpochRecord[],
  series: readonly Series[],
  options: { width: number; height: number; zero: boolean; legend: boolean },
): TopLevelSpec {
  const values = series.flatMap(({ name, value }) =>
    epochs.map((epoch) => ({ epoch: epoch.epoch, series: name, value: value(epoch) })),
  );
  const names = series.map(({ name }) => name);
  const legend = options.legend ? { orient: 'bottom' as const, symbolType: 'stroke' } : null;
  return {
    width: options.width,
    height: options.height,
    data: { values },
    // A curve of a few points shows them; a single point would be no line at all.
    mark: { type: 'line', point: epochs.length <= 30 ? { size: 22, filled: true } : false },
    encoding: {
      x: epochAxis(epochs),
      y: valueAxis('value', { zero: options.zero, ticks: 5 }),
      color: { field: 'series', scale: { domain: names, range: series.map(({ color }) => color) }, legend },
      strokeDash: { field: 'series', scale: { domain: names, range: series.map(({ dash }) => [...dash]) }, legend },
    },
  };
}

/** From the first epoch to the last, marked at whole numbers. */
export function epochAxis(epochs: readonly EpochRecord[]) {
  const [first, last] = [epochs[0]?.epoch ?? 0, epochs.at(-1)?.epoch ?? 0];
  return {
    field: 'epoch',
    type: 'quantitative',
    title: 'epoch',
    // A single epoch stands in the middle.
    scale: { domain: first === last ? [first - 1, last + 1] : [first, last], nice: false },
    axis:
      first === last ? { values: [first] } : { format: 'd', tickMinStep: 1, tickCount: Math.min(10, last - first + 1) },
  } as const;
}

/** Ends at marks above and below all values. */
export function valueAxis(field: string, { zero, ticks }: { zero: boolean; ticks: number }) {
  return {
    field,
    type: 'quantitative',
    title: null,
    scale: { zero, nice: ticks },
    axis: { tickCount: ticks },
  } as const;
}

/** Leaves out what a run has no numbers of. NaN does not count, nor does JSON's null, which stands for it in a record. */
function withValues(series: readonly Series[], epochs: readonly EpochRecord[]): Series[] {
  return series.filter(({ value }) => epochs.some((epoch) => Number.isFinite(value(epoch))));
}
