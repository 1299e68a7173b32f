// Several runs as one HTML file: curves over each other, and what the runs differ in.

import { type Html, html } from '../report/html.js';
import { renderPage } from '../report/page.js';
import { runColors } from '../report/style-sheet.js';
import { comparisonFigures } from '../report/training-charts.js';
import { keptBy } from '../run-record.js';
import { figureRows, type Row, settingRows } from './figures.js';
import type { RecordedRun } from './read-run.js';

/** The text of the file. */
export async function renderComparison(runs: readonly RecordedRun[]): Promise<string> {
  const names = runs.map(({ name }) => name);
  return renderPage({
    title: names.join(', '),
    kind: 'Training runs',
    note: `${runs.length} runs beside each other`,
    main: await comparison(runs),
  });
}

/** What the page holds. */
export async function comparison(runs: readonly RecordedRun[]): Promise<Html> {
  const settings = settingRows(runs);
  return html`<section><h2>Curves</h2>
<ul class="runs">${runs.map(({ name }, i) => html`<li><i class="key run${(i % runColors) + 1}"></i>${name}</li>\n`)}</ul>
<div class="pair">${await comparisonFigures(runs.map((run) => ({ ...run, keptBy: keptBy(run.config) })))}</div></section>
<section><h2>Figures</h2>${table('Figures', runs, figureRows(runs))}</section>
<section><h2>Settings that differ</h2>${settings.length > 0 ? table('Settings', runs, settings) : html`<p class="note">None.</p>`}</section>`;
}

function table(name: string, runs: readonly RecordedRun[], rows: readonly Row[]): Html {
  return html`<div class="card scroll" tabindex="0" role="region" aria-label="${name}"><table class="epochs">
<thead><tr><td></td>${runs.map((run) => html`<th scope="col">${run.name}</th>`)}</tr></thead>
<tbody>${rows.map(([title, ...texts]) => html`<tr><th scope="row">${title}</th>${texts.map((text) => html`<td>${text}</td>`)}</tr>\n`)}</tbody></table></div>`;
}
