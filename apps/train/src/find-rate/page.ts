// The losses by learning rate as one HTML file.

import type { TopLevelSpec } from 'vega-lite';
import { pageTheme, renderChart } from '../report/chart.js';
import { html } from '../report/html.js';
import { renderPage } from '../report/page.js';
import type { RateRecord } from './record.js';

/** The text of the file. */
export async function renderRates(record: RateRecord): Promise<string> {
  const { model, data, backend, batchSize, points, suggestion } = record;
  const title = 'Loss by learning rate';
  const said = suggestion
    ? `The loss falls most steeply at ${suggestion.steepest}, and is lowest at ${suggestion.lowest}.`
    : 'The loss falls at no rate.';
  return renderPage({
    title: `${model} on ${data}: ${title.toLowerCase()}`,
    kind: 'Learning rates',
    note: `${points.length} steps of ${batchSize} examples, by ${backend}`,
    main: html`<section><h2>${title}</h2>
<p class="note">The rate rises from step to step. Dots are losses of single batches, the line is their mean around each rate. ${said}</p>
<figure class="card">${await renderChart(chartOf(record), `${title}. ${said}`, pageTheme)}</figure></section>`,
  });
}

function chartOf({ points, suggestion }: RateRecord): TopLevelSpec {
  const highest = 1.5 * points[0]!.smoothed;
  const rate = { field: 'rate', type: 'quantitative', title: 'learning rate', scale: { type: 'log' } } as const;
  const y = (field: string) =>
    ({ field, type: 'quantitative', title: 'loss', scale: { zero: false, domainMax: highest } }) as const;
  const marks = suggestion ? [{ rate: suggestion.steepest }, { rate: suggestion.lowest }] : [];
  return {
    width: 920,
    height: 360,
    data: { values: [...points] },
    layer: [
      {
        data: { values: marks },
        mark: { type: 'rule', color: 'var(--muted)', strokeDash: [3, 3] },
        encoding: { x: rate },
      },
      {
        mark: { type: 'point', filled: true, size: 18, color: 'var(--muted)', clip: true },
        encoding: { x: rate, y: y('loss') },
      },
      { mark: { type: 'line', color: 'var(--train)', clip: true }, encoding: { x: rate, y: y('smoothed') } },
    ],
  };
}
