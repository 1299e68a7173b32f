// How gamma and beta of each batch normalization layer move over the epochs.

import type { TopLevelSpec } from 'vega-lite';
import type { EpochRecord } from '../run-record.js';
import { pageTheme, renderChart } from './chart.js';
import { type Html, html } from './html.js';
import { epochAxis, valueAxis } from './training-charts.js';

/** Up to this many channels each is a line; beyond, bands show how they are spread. */
const mostLines = 16;

/** How many layers are in sight: in deep networks the others would hide what is beneath. */
const mostLayers = 4;

const parameters = [
  { name: 'gamma', symbol: 'γ', color: 'var(--gamma)', initial: 1 },
  { name: 'beta', symbol: 'β', color: 'var(--beta)', initial: 0 },
] as const;

type Parameter = (typeof parameters)[number];

/** A section of two figures per layer, those beyond the first folded up; null in a network without such layers. */
export async function batchNormSection(epochs: readonly EpochRecord[]): Promise<Html | null> {
  const layers = Object.keys(epochs.at(-1)?.batchNorm ?? {});
  if (layers.length === 0) return null;
  const rows = await Promise.all(layers.map((path) => layerRow(path, epochs)));
  return html`<section><h2>Batch normalization</h2>
<p class="note">The scale γ and the shift β that each layer has learned, after every epoch. Layers of up to ${mostLines}
channels have a line for each; in larger ones the line is the median, and the bands hold half, four fifths and all of the
channels. The dotted line is where γ and β usually start.</p>
${rows.slice(0, mostLayers)}${folded(rows.slice(mostLayers))}</section>`;
}

function folded(rows: readonly Html[]): Html | null {
  if (rows.length === 0) return null;
  return html`<details class="layers"><summary>${rows.length} more ${rows.length === 1 ? 'layer' : 'layers'}</summary>${rows}</details>`;
}

async function layerRow(path: string, epochs: readonly EpochRecord[]): Promise<Html> {
  const last = epochs.at(-1)!.batchNorm[path]!;
  const present = parameters.filter(({ name }) => last[name].length > 0);
  const figures = present.map(async (parameter) => {
    const draw = last[parameter.name].length <= mostLines ? lines : bands;
    return html`<figure><figcaption>${parameter.symbol} <span class="muted">${parameter.name}</span></figcaption>
${await renderChart(draw(path, parameter, epochs), `${parameter.name} of ${path} by epoch`, pageTheme)}</figure>`;
  });
  const channels = Math.max(last.gamma.length, last.beta.length);
  return html`<div class="card layer"><h3>${path} <span class="muted">${channels} ${channels === 1 ? 'channel' : 'channels'}</span></h3>
<div class="pair">${await Promise.all(figures)}</div>
<details><summary>Values after the last epoch</summary>
${present.map(({ name }) => html`<p class="values"><b>${name}</b> ${last[name].map((value) => value.toFixed(4)).join(', ')}</p>`)}
</details></div>`;
}

const size = { width: 450, height: 190 };
const scale = { zero: false, ticks: 4 };

type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

function startLine({ initial }: Parameter): Layer {
  return {
    data: { values: [{ start: initial }] },
    mark: { type: 'rule', stroke: 'var(--muted)', strokeDash: [1, 4], strokeWidth: 1.5, strokeCap: 'round' },
    encoding: { y: valueAxis('start', scale) },
  };
}

function lines(path: string, parameter: Parameter, epochs: readonly EpochRecord[]): TopLevelSpec {
  const values = epochs.flatMap(({ epoch, batchNorm }) =>
    (batchNorm[path]?.[parameter.name] ?? []).map((value, channel) => ({ epoch, channel, value })),
  );
  return {
    ...size,
    layer: [
      startLine(parameter),
      {
        data: { values },
        mark: {
          type: 'line',
          stroke: parameter.color,
          strokeWidth: 1.75,
          strokeOpacity: 0.75,
          point: epochs.length === 1 && { fill: parameter.color },
        },
        encoding: { x: epochAxis(epochs), y: valueAxis('value', scale), detail: { field: 'channel' } },
      },
    ],
  };
}

function bands(path: string, parameter: Parameter, epochs: readonly EpochRecord[]): TopLevelSpec {
  const values = epochs.flatMap(({ epoch, batchNorm }) => {
    const sorted = [...(batchNorm[path]?.[parameter.name] ?? [])].sort((a, b) => a - b);
    if (sorted.length === 0) return [];
    const quantiles = [0, 10, 25, 50, 75, 90, 100].map((part) => [`p${part}`, quantile(sorted, part / 100)]);
    return [{ epoch, ...Object.fromEntries(quantiles) }];
  });
  const band = (from: string, to: string, opacity: number) =>
    ({
      // A single epoch has no area: a bar in its place.
      mark: { type: epochs.length === 1 ? 'bar' : 'area', fill: parameter.color, opacity, size: 24 },
      encoding: { x: epochAxis(epochs), y: valueAxis(from, scale), y2: { field: to } },
    }) as const;
  return {
    ...size,
    layer: [
      startLine(parameter),
      {
        data: { values },
        layer: [
          band('p0', 'p100', 0.14),
          band('p10', 'p90', 0.2),
          band('p25', 'p75', 0.3),
          {
            mark: { type: epochs.length === 1 ? 'point' : 'line', stroke: parameter.color },
            encoding: { x: epochAxis(epochs), y: valueAxis('p50', scale) },
          },
        ],
      },
    ],
  };
}

/** Between two values by straight interpolation, of sorted values. */
function quantile(sorted: readonly number[], part: number): number {
  const at = part * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}
