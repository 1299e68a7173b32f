// A finished run as one HTML file.

import type { Metrics } from '@bn/core';
import { settingText } from '../compare/read-run.js';
import { shortName } from '../display/format.js';
import {
  type EpochRecord,
  keptBy,
  type MeasureTable,
  type RunDescription,
  type RunRecord,
  type RunSummary,
} from '../run-record.js';
import { batchNormSection } from './batch-norm-figures.js';
import { confusionSection } from './confusion-section.js';
import { type Html, type HtmlValue, html } from './html.js';
import { mistakesSection } from './mistakes-section.js';
import { renderPage } from './page.js';
import { trainingFigures } from './training-charts.js';
import { activationsSection, seenSection } from './views-sections.js';

/** The text of report.html. */
export async function renderReport(record: RunRecord): Promise<string> {
  const { config, description, epochs, summary, result, views } = record;
  const title = `${description.model} on ${description.data}`;
  return renderPage({
    title,
    kind: 'Training run',
    note: `${epochs.length} ${epochs.length === 1 ? 'epoch' : 'epochs'}, by ${description.backend} on ${description.device}`,
    main: html`${figures(summary)}
${await trainingSections(epochs, keptBy(config))}
${measuresSection(result.measures)}
${confusionSection(result.confusion, result.names)}
${mistakesSection(result.mistakes, config.task === 'regress')}
${activationsSection(views.activations)}
${seenSection(views.seen)}
<section class="pair">
<div><h2>Configuration</h2>${definitions(settings(config))}</div>
<div><h2>Environment</h2>${definitions(environment(description))}</div>
</section>`,
  });
}

/**
 * What is known of a run while it trains.
 *
 * @param by the figure by which it keeps its best epoch; null if it keeps the last one
 */
export async function trainingSections(epochs: readonly EpochRecord[], by: string | null): Promise<Html> {
  return html`<section><h2>Training</h2>
<div class="pair">${await trainingFigures(epochs, by)}</div>
${epochTable(epochs)}</section>
${await batchNormSection(epochs)}`;
}

function figures(summary: RunSummary): Html {
  const oneDigit = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  const rate = summary.examplesPerSecond.toLocaleString('en-US', oneDigit);
  const { kept } = summary;
  const epoch = kept ? `epoch ${kept.epoch}` : 'final epoch';
  const tiles: [string, string, string][] = [['loss', summary.loss.toFixed(3), `training, ${epoch}`]];
  if (kept) {
    tiles.unshift(['epoch kept', String(kept.epoch), `validation ${shortName(kept.by)}: ${kept.value.toFixed(3)}`]);
  }
  const add = (part: string, { metrics }: Metrics, note: string) => {
    for (const [name, value] of Object.entries(metrics))
      tiles.push([`${part} ${shortName(name)}`, value.toFixed(3), note]);
  };
  add('train', summary, `training, ${epoch}`);
  add('test', summary.test, summary.recalibrated ? 'with moving averages' : '');
  if (summary.recalibrated) add('test', summary.recalibrated, 'with recalibrated statistics');
  tiles.push(['examples/sec', rate, `on ${summary.device}`]);
  return html`<dl class="figures">${tiles.map(
    ([name, value, note]) =>
      html`<div class="card"><dt>${name}</dt><dd class="value">${value}</dd><dd class="muted">${note}</dd></div>\n`,
  )}</dl>`;
}

function epochTable(epochs: readonly EpochRecord[]): Html {
  const names = Object.keys(epochs[0]?.metrics ?? {});
  type Column = [title: string, cell: (epoch: EpochRecord) => HtmlValue];
  const column = (title: string, metrics: (epoch: EpochRecord) => Metrics['metrics'], name: string): Column => {
    return [`${title} ${shortName(name)}`, (epoch) => digits(metrics(epoch)[name], 3)];
  };
  const validated: Column[] = [
    ['validation loss', ({ validation }) => digits(validation?.loss, 3)],
    ...names.map((name) => column('validation', ({ validation }) => validation?.metrics ?? {}, name)),
  ];
  const columns: Column[] = [
    ['epoch', ({ epoch }) => epoch],
    ['loss', ({ loss }) => digits(loss, 3)],
    ...names.map((name) => column('train', ({ metrics }) => metrics, name)),
    ...(epochs[0]?.validation ? validated : []),
    ['test loss', ({ test }) => digits(test.loss, 3)],
    ...names.map((name) => column('test', ({ test }) => test.metrics, name)),
    ['learning rate', ({ learningRate }) => Number(learningRate.toPrecision(4))],
    ['examples/sec', ({ examplesPerSecond }) => Math.round(examplesPerSecond).toLocaleString('en-US')],
    ['seconds', ({ seconds }) => digits(seconds, 1)],
  ];
  return html`<details class="card"><summary>All epochs</summary><div class="scroll" tabindex="0" role="region" aria-label="All epochs">
<table class="epochs"><thead><tr>${columns.map(([name]) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${epochs.map((epoch) => html`<tr>${columns.map(([, value]) => html`<td>${value(epoch)}</td>`)}</tr>\n`)}</tbody></table></div></details>`;
}

/** What the answers for all test examples say, of each class, label or value. */
function measuresSection({ columns, rows }: MeasureTable): Html {
  const cell = (value: number | null, i: number) => html`<td>${digits(value, columns[i] === 'examples' ? 0 : 3)}</td>`;
  return html`<section><h2>Test data</h2>
<div class="card scroll" tabindex="0" role="region" aria-label="Test data"><table class="epochs">
<thead><tr><td></td>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(({ name, values }) => html`<tr><th scope="row">${name}</th>${values.map(cell)}</tr>\n`)}</tbody></table></div></section>`;
}

/** JSON has null for a number that is not finite. */
function digits(value: number | null | undefined, count: number): string {
  return value == null ? '–' : value.toFixed(count);
}

function environment({ backend, device, engine, deviceReason, versions }: RunDescription): [string, string][] {
  return Object.entries({ backend, device, engine, 'why this device': deviceReason, ...versions }).flatMap(
    ([name, value]) => (value === undefined || value === null ? [] : [[name, String(value)]]),
  );
}

/** What was set; null is unset. Of paths the last part: people send reports, and config.json has the whole. */
function settings(config: RunRecord['config']): [string, string][] {
  return Object.entries(config).flatMap(([name, value]): [string, string][] => {
    return value === null || value === undefined ? [] : [[name, settingText(value)]];
  });
}

function definitions(entries: [string, string][]): Html {
  return html`<dl class="card definitions">${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`;
}
