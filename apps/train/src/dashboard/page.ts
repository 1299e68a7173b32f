// The dashboard's page: the progress, the runs to choose from, and their charts, which the server sends when they change.

import { comparison } from '../compare/page.js';
import type { RecordedRun } from '../compare/read-run.js';
import { type Html, html } from '../report/html.js';
import { renderPage } from '../report/page.js';
import { trainingSections } from '../report/report.js';
import { keptBy } from '../run-record.js';
import { script } from './script.js';

/**
 * @param names of all runs
 * @param current the run that trains
 */
export function renderDashboard(names: readonly string[], current: string): string {
  const choice = (name: string) =>
    html`<li><label><input type="checkbox" name="run" value="${name}"> ${name}${name === current && ' (training)'}</label></li>\n`;
  return renderPage({
    title: current,
    kind: 'Training',
    note: 'This page follows the training; closing it changes nothing.',
    main: html`<p class="card" id="progress">waiting for the first step …</p>
<form><fieldset class="card choices"><legend>Runs</legend><ul>${names.map(choice)}</ul></fieldset></form>
<div id="charts"></div>`,
    script,
  });
}

/** As in the report, or where several runs are chosen, beside each other. */
export async function renderCharts(runs: readonly RecordedRun[]): Promise<string> {
  return (await charts(runs)).text;
}

async function charts(runs: readonly RecordedRun[]): Promise<Html> {
  const [run] = runs;
  if (runs.length > 1) return comparison(runs);
  if (!run || run.epochs.length === 0) return html`<p class="note">The charts come with the first epoch.</p>`;
  return trainingSections(run.epochs, keptBy(run.config));
}
