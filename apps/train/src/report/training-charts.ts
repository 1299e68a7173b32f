// Loss and metrics over the epochs: a chart each for the page, and the textbook's single figure as a file.

import type { TopLevelSpec } from 'vega-lite';
import { shortName } from '../display/format.js';
import { type EpochRecord, figureOf, keptEpoch } from '../run-record.js';
import { type ChartTheme, pageTheme, renderChart } from './chart.js';
import { type Html, html } from './html.js';
import { runColors } from './style-sheet.js';

interface Series {
  readonly name: string;
  readonly color: string;
  readonly dash: readonly number[];
  readonly points: readonly { readonly epoch: number; readonly value: number | undefined }[];
  /** An epoch whose point has a ring. */
  readonly ringed?: number | undefined;
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
  const series = withValues([
    seriesOf(epochs, { name: 'train loss', color: '#2563c9', dash: solid }, ({ loss }) => loss),
    seriesOf(epochs, { name: `train ${name}`, color: '#b0328c', dash: [7, 4] }, ({ metrics }) => metrics[metric]),
    seriesOf(
      epochs,
      { name: `test ${name}`, color: '#1f8a4c', dash: [7, 3, 1, 3] },
      ({ test }) => test.metrics[metric],
    ),
  ]);
  const spec = lineChart(series, { width: 520, height: 360, zero: false, legend: true });
  const page = { background: '#ffffff', padding: { left: 14, top: 16, right: 18, bottom: 12 } };
  const svg = await renderChart({ ...spec, ...page }, 'Training curves', fileTheme);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.text}\n`;
}

const training = { name: 'training', color: 'var(--train)', dash: solid };
const validation = { name: 'validation', color: 'var(--validation)', dash: [2, 3] };
const test = { name: 'test', color: 'var(--test)', dash: [6, 4] };
const titles: Readonly<Record<string, string>> = {
  loss: 'Loss',
  accuracy: 'Accuracy',
  top5: 'Top-5 accuracy',
  absoluteError: 'Absolute error',
};

export function metricsOf(epochs: readonly EpochRecord[]): string[] {
  return Object.keys(epochs[0]?.metrics ?? {});
}

/**
 * Loss and each metric, in training, validation and test as far as there are any.
 *
 * @param by the figure by which the run keeps its best epoch, which has a ring; null for none
 */
export async function trainingFigures(epochs: readonly EpochRecord[], by: string | null): Promise<Html[]> {
  const kept = keptEpoch(by, epochs)?.epoch;
  const validated = { ...validation, ringed: kept };
  const figures = ['loss', ...metricsOf(epochs)].map(async (name) => {
    const series = withValues([
      seriesOf(epochs, training, (epoch) => figureOf(name, epoch)),
      seriesOf(epochs, validated, (epoch) => epoch.validation && figureOf(name, epoch.validation)),
      seriesOf(epochs, test, (epoch) => figureOf(name, epoch.test)),
    ]);
    if (series.length === 0) return [];
    const names = series.map(({ name }) => name);
    const legend = names.map((name) => html`<i class="key ${name}"></i>${name} `);
    const ring = kept !== undefined && html`<i class="ring"></i>epoch ${kept}, kept`;
    const of = `${new Intl.ListFormat('en').format(names)}${kept === undefined ? '' : `; epoch ${kept} is kept`}`;
    return [await lineFigure(name, series, of, html`<span class="legend">${legend}${ring}</span>`)];
  });
  return (await Promise.all(figures)).flat();
}

/**
 * The curves of several runs over each other: solid in training, dotted on validation data, dashed on test data. Runs have the colours 1, 2, ….
 *
 * @param runs with the figure by which each keeps its best epoch, which has a ring; null for none
 */
export async function comparisonFigures(
  runs: readonly { readonly name: string; readonly epochs: readonly EpochRecord[]; readonly keptBy: string | null }[],
): Promise<Html[]> {
  const names = [...new Set(runs.flatMap(({ epochs }) => ['loss', ...metricsOf(epochs)]))];
  const figures = names.map(async (name) => {
    const series = withValues(
      runs.flatMap((run, i) => {
        const color = `var(--run${(i % runColors) + 1})`;
        const ringed = keptEpoch(run.keptBy, run.epochs)?.epoch;
        const validated = { name: `${i} validation`, color, dash: validation.dash, ringed };
        return [
          seriesOf(run.epochs, { name: `${i} train`, color, dash: solid }, (epoch) => figureOf(name, epoch)),
          seriesOf(run.epochs, validated, (epoch) => epoch.validation && figureOf(name, epoch.validation)),
          seriesOf(run.epochs, { name: `${i} test`, color, dash: test.dash }, (epoch) => figureOf(name, epoch.test)),
        ];
      }),
    );
    if (series.length === 0) return [];
    const isValidated = series.some((one) => one.name.endsWith(' validation'));
    const isKept = series.some(({ ringed }) => ringed !== undefined);
    const legend = html`<span class="legend"><i class="key plain"></i>training ${
      isValidated && html`<i class="key plain dotted"></i>validation `
    }<i class="key plain dashed"></i>test${isKept && html` <i class="ring"></i>kept epoch`}</span>`;
    const parts = isValidated ? 'training, validation and test' : 'training and test';
    return [await lineFigure(name, series, `${parts} of ${runs.map((run) => run.name).join(', ')}`, legend)];
  });
  return (await Promise.all(figures)).flat();
}

async function lineFigure(name: string, series: readonly Series[], of: string, legend: Html): Promise<Html> {
  const title = titles[name] ?? name;
  const spec = lineChart(series, { width: 450, height: 270, zero: name === 'loss', legend: false });
  return html`<figure class="card">
<figcaption><b>${title}</b> ${legend}</figcaption>
${await renderChart(spec, `${title} by epoch: ${of}`, pageTheme)}
</figure>`;
}

function seriesOf(
  epochs: readonly EpochRecord[],
  look: Omit<Series, 'points'>,
  value: (epoch: EpochRecord) => number | undefined,
): Series {
  return { ...look, points: epochs.map((epoch) => ({ epoch: epoch.epoch, value: value(epoch) })) };
}

function lineChart(
  series: readonly Series[],
  options: { width: number; height: number; zero: boolean; legend: boolean },
): TopLevelSpec {
  const values = series.flatMap(({ name, points }) => points.map((point) => ({ ...point, series: name })));
  const names = series.map(({ name }) => name);
  const longest = Math.max(...series.map(({ points }) => points.length));
  const legend = options.legend ? { orient: 'bottom' as const, symbolType: 'stroke' } : null;
  const ringed = series.flatMap(({ name, points, ringed }) =>
    points
      .filter(({ epoch, value }) => epoch === ringed && Number.isFinite(value))
      .map((point) => ({ ...point, series: name })),
  );
  return {
    width: options.width,
    height: options.height,
    data: { values },
    encoding: {
      x: epochAxis(values),
      y: valueAxis('value', { zero: options.zero, ticks: 5 }),
      color: { field: 'series', scale: { domain: names, range: series.map(({ color }) => color) }, legend },
    },
    layer: [
      {
        // A curve of a few points shows them; a single point would be no line at all.
        mark: { type: 'line', point: longest <= 30 ? { size: 22, filled: true } : false },
        encoding: {
          strokeDash: { field: 'series', scale: { domain: names, range: series.map(({ dash }) => [...dash]) }, legend },
        },
      },
      { data: { values: ringed }, mark: { type: 'point', size: 130, strokeWidth: 2, filled: false, opacity: 1 } },
    ],
  };
}

/** From the first epoch to the last, marked at whole numbers. */
export function epochAxis(epochs: readonly { readonly epoch: number }[]) {
  const numbers = epochs.map(({ epoch }) => epoch);
  const [first, last] = epochs.length > 0 ? [Math.min(...numbers), Math.max(...numbers)] : [0, 0];
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
function withValues(series: readonly Series[]): Series[] {
  return series.filter(({ points }) => points.some(({ value }) => Number.isFinite(value)));
}
