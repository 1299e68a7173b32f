// The comparison as one HTML file: a heat map of layer × step for each backend, and its table.

import type { TopLevelSpec } from 'vega-lite';
import { stepsText } from '../display/format.js';
import { pageTheme, renderChart } from '../report/chart.js';
import { type Html, html } from '../report/html.js';
import { renderPage } from '../report/page.js';
import { tolerances } from './difference.js';
import { nameOfLayer, outcomeText } from './outcome-text.js';
import { type BackendRecord, largestOf, layersOf, type ParityRecord } from './record.js';

/** The text of the file. */
export async function renderHeatMap(record: ParityRecord): Promise<string> {
  const sections = await Promise.all(record.backends.map((backend) => section(record, backend)));
  return renderPage({
    title: `${record.model}: backends against the reference`,
    kind: 'Parity',
    note: `${stepsText(record.steps, record.batchSize)}, ${record.data}`,
    main: html`${sections}`,
  });
}

async function section(record: ParityRecord, backend: BackendRecord): Promise<Html> {
  const title = `Largest relative difference by layer and step: ${backend.label}`;
  return html`<section><h2>${backend.label}</h2>
<p class="note">The largest difference in each layer and step (activation, gradients, running statistics, new weights), each
step from the reference's state. Relative to the largest magnitude in the tensor; allowed is ${tolerances.stepwise}.</p>
<figure class="card">${await renderChart(chart(record, backend), title, pageTheme)}</figure>
<div class="card scroll" tabindex="0" role="region" aria-label="Table of ${backend.label}"><pre>${outcomeText({ ...record, backends: [backend] })}</pre></div></section>
`;
}

function chart({ steps }: ParityRecord, backend: BackendRecord): TopLevelSpec {
  const layers = layersOf(backend);
  const values = layers.flatMap((layer) =>
    Array.from({ length: steps }, (_, i) => {
      const found = backend.differences.filter((other) => other.layer === layer && other.step === i + 1);
      const { difference } = largestOf(found);
      // No logarithm of 0, and no infinity.
      return { layer: nameOfLayer(layer), step: i + 1, difference: Math.min(Math.max(difference, 1e-9), 1) };
    }),
  );
  return {
    width: 920,
    height: 60 + 22 * layers.length,
    data: { values },
    mark: 'rect',
    encoding: {
      x: { field: 'step', type: 'ordinal', title: 'step', axis: { labelAngle: 0, labelOverlap: true } },
      y: { field: 'layer', type: 'nominal', title: null, sort: layers.map(nameOfLayer), axis: { grid: false } },
      color: {
        field: 'difference',
        type: 'quantitative',
        // Pale at a tenth of the tolerance: green and blue is fine, red is near it and beyond.
        scale: {
          type: 'log',
          domain: [1e-8, tolerances.stepwise / 10, tolerances.stepwise * 100],
          range: ['#2b6cb0', '#f3e9d2', '#c0392b'],
          clamp: true,
        },
        legend: {
          orient: 'bottom',
          gradientLength: 320,
          format: '.0e',
          title: 'difference',
          titleColor: pageTheme.muted,
        },
      },
    },
  };
}
