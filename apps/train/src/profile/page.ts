// The profile as one HTML file: a picture of the layers, one of the phases that do sums of products, and the tables.

import type { Phase } from '@bn/core';
import type { TopLevelSpec } from 'vega-lite';
import { stepsText } from '../display/format.js';
import { pageTheme, renderChart } from '../report/chart.js';
import { html } from '../report/html.js';
import { renderPage } from '../report/page.js';
import { nameOfLayer, originsText, outcomeText } from './outcome-text.js';
import { directions, layerShares, type ProfileRecord, rateOf } from './record.js';

/** Of train, test and running: told apart by lightness too. */
const colors = ['var(--train)', 'var(--test)', 'var(--gamma)'];
/** Share of the step below which a phase is not drawn. */
const smallPhase = 0.005;

/** The text of the file. */
export async function renderProfile(record: ProfileRecord): Promise<string> {
  const { model, backend, device, data, steps, batchSize, medianSeconds } = record;
  const rates = rateChart(record);
  return renderPage({
    title: `${model} by ${backend}: where a step's time goes`,
    kind: 'Profile',
    note: `${stepsText(steps, batchSize)} on ${device}, ${(1000 * medianSeconds.plain).toFixed(2)} ms each without profiling; ${data}`,
    main: html`<section><h2>Layers</h2>
<p class="note">Milliseconds of a step in each layer, by direction. What is computed within loops of other layers is in their time.</p>
<figure class="card">${await renderChart(layerChart(record), 'Milliseconds of a step by layer and direction', pageTheme)}</figure></section>
${
  rates &&
  html`<section><h2>Arithmetic</h2>
<p class="note">Multiplications and additions of sums of products, by phase. The line is what the processor can do.</p>
<figure class="card">${await renderChart(rates, 'GFLOP/s of the phases with sums of products', pageTheme)}</figure></section>`
}
<section><h2>Table</h2>
<div class="card scroll" tabindex="0" role="region" aria-label="Table"><pre>${outcomeText(record)}</pre></div></section>`,
  });
}

function layerChart(record: ProfileRecord): TopLevelSpec {
  const shares = layerShares(record);
  const values = shares.flatMap(({ layer, directions: found, seconds }) => {
    const bars = directions.flatMap((direction) => {
      const share = found[direction];
      return share === null || share === 'fused' ? [] : [{ direction, milliseconds: share.seconds * 1000 }];
    });
    // Of what the runtime has added no direction is known.
    const own = layer === null ? [{ direction: 'forward', milliseconds: seconds * 1000 }] : bars;
    return own.map((bar) => ({ layer: nameOfLayer(layer), order: directions.indexOf(bar.direction as never), ...bar }));
  });
  return {
    width: 920,
    height: 60 + 22 * shares.length,
    data: { values },
    mark: { type: 'bar', height: { band: 0.7 } },
    encoding: {
      x: { field: 'milliseconds', type: 'quantitative', title: 'ms', axis: { grid: true, tickCount: 10 } },
      y: {
        field: 'layer',
        type: 'nominal',
        title: null,
        scale: { domain: shares.map(({ layer }) => nameOfLayer(layer)) },
        axis: { grid: false },
      },
      order: { field: 'order' },
      color: {
        field: 'direction',
        scale: { domain: [...directions], range: colors },
        legend: { orient: 'bottom', symbolType: 'square', symbolStrokeWidth: 0 },
      },
    },
  };
}

/** Null if no operations are known. */
function rateChart({ report, stepSeconds }: ProfileRecord): TopLevelSpec | null {
  const { phases, runs, peak } = report;
  const kinds = new Map<string, Phase[]>();
  for (const phase of phases.filter(({ operations }) => operations !== undefined)) {
    const name = `${originsText({ origins: phase.origins.slice(0, 1) })}: ${phase.name}`;
    kinds.set(name, [...(kinds.get(name) ?? []), phase]);
  }
  const values = [...kinds].flatMap(([phase, all]) => {
    const [rate, seconds] = [rateOf(all, runs), all.reduce((sum, { seconds }) => sum + seconds, 0) / runs];
    return rate === null || seconds < smallPhase * stepSeconds ? [] : [{ phase, rate: rate / 1e9 }];
  });
  if (values.length === 0) return null;
  return {
    width: 920,
    height: 40 + 22 * values.length,
    layer: [
      {
        data: { values },
        mark: { type: 'bar', height: { band: 0.7 }, color: colors[0]! },
        encoding: {
          x: { field: 'rate', type: 'quantitative', title: 'GFLOP/s', axis: { grid: true, tickCount: 10 } },
          y: {
            field: 'phase',
            type: 'nominal',
            title: null,
            scale: { domain: values.map(({ phase }) => phase) },
            axis: { grid: false, labelLimit: 500 },
          },
        },
      },
      {
        // None without a peak.
        data: { values: peak === undefined ? [] : [{ rate: peak / 1e9 }] },
        mark: { type: 'rule', color: pageTheme.muted, strokeDash: [4, 4] },
        encoding: { x: { field: 'rate', type: 'quantitative' } },
      },
    ],
  };
}
