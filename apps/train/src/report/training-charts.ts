// Loss and accuracy over the epochs: two charts for the page, and the textbook's single figure as a file.

import type { TopLevelSpec } from 'vega-lite';
import type { EpochRecord } from '../run-record.js';
import { type ChartTheme, pageTheme, renderChart } from './chart.js';
import { type Html, html } from './html.js';

interface Series {
  readonly name: string;
  readonly color: string;
  readonly dash: readonly number[];
  readonly value: (epoch: EpochRecord) => number | null;
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
  const series: Series[] = [
    { name: 'train loss', color: '#2563c9', dash: solid, value: (epoch) => epoch.loss },
    { name: 'train acc', color: '#b0328c', dash: [7, 4], value: (epoch) => epoch.trainAccuracy },
    { name: 'test acc', color: '#1f8a4c', dash: [7, 3, 1, 3], value: (epoch) => epoch.testAccuracy },
  ];
  const spec = lineChart(epochs, series, { width: 520, height: 360, zero: false, legend: true });
  const page = { background: '#ffffff', padding: { left: 14, top: 16, right: 18, bottom: 12 } };
  const svg = await renderChart({ ...spec, ...page }, 'Training curves', fileTheme);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.text}\n`;
}

const training = { name: 'training', color: 'var(--train)', dash: solid };
const test = { name: 'test', color: 'var(--test)', dash: [6, 4] };

/** Two figures: loss and accuracy, each in training and test as far as there are any. */
export async function trainingFigures(epochs: readonly EpochRecord[]): Promise<Html[]> {
  const charts = [
    {
      title: 'Loss',
      zero: true,
      series: [
        { ...training, value: (epoch: EpochRecord) => epoch.loss },
        { ...test, value: (epoch: EpochRecord) => epoch.testLoss },
      ],
    },
    {
      title: 'Accuracy',
      zero: false,
      series: [
        { ...training, value: (epoch: EpochRecord) => epoch.trainAccuracy },
        { ...test, value: (epoch: EpochRecord) => epoch.testAccuracy },
      ],
    },
  ];
  const figures = charts.map(async ({ title, zero, series }) => {
    const present = series.filter(({ value }) => epochs.some((epoch) => isNumber(value(epoch))));
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
    epochs
      .map((epoch) => ({ epoch: epoch.epoch, series: name, value: value(epoch) }))
      .filter((at) => isNumber(at.value)),
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
  const ends = [epochs[0]?.epoch ?? 0, epochs.at(-1)?.epoch ?? 1] as const;
  return {
    field: 'epoch',
    type: 'quantitative',
    title: 'epoch',
    scale: { domain: ends[0] === ends[1] ? [ends[0] - 1, ends[1] + 1] : [...ends], nice: false },
    axis: { format: 'd', tickMinStep: 1, tickCount: Math.min(10, Math.max(1, epochs.length)) },
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

/** Of JSON's null, too, which stands for NaN in a record that was read back. */
function isNumber(value: number | null): value is number {
  return value !== null && Number.isFinite(value);
}
