// What the answers for all test examples say, of each class, label or value.

import type { MeasureTable } from '../run-record.js';
import { type Html, html } from './html.js';

export function measuresSection({ columns, rows }: MeasureTable): Html {
  return html`<section><h2>Test data</h2>
<div class="card scroll" tabindex="0" role="region" aria-label="Test data"><table class="epochs">
<thead><tr>${['', ...columns].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(({ name, values }) => html`<tr><th scope="row">${name}</th>${values.map((value, i) => html`<td>${format(value, columns[i]!)}</td>`)}</tr>\n`)}</tbody></table></div></section>`;
}

function format(value: number | null, column: string): string {
  if (value === null) return '–';
  return column === 'examples' ? String(value) : value.toFixed(3);
}
