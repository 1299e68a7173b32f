// What `look` tells, as one HTML file with a sheet of pictures of each class.

import type { DataParts } from '@bn/command-line';
import { createGenerator, type Dataset, permutation } from '@bn/core';
import { type Html, html } from '../report/html.js';
import { renderPage } from '../report/page.js';
import { isPicture, type Picture, pictureOf } from '../report/picture.js';
import { pngUrl, sheetUrl } from '../report/png.js';
import { partsOf } from './examine-data.js';
import { count, duplicateText, fileLines, partLines, partName, spreadColumns, spreadRow } from './outcome-text.js';
import type { DataRecord, PartRecord } from './record.js';

/** Pictures of a class, classes that have a sheet, and rows of lists: a page, not an archive. */
const [mostPictures, mostClasses, mostRows] = [24, 100, 200];

/** The text of the file. */
export function renderLook(record: DataRecord, data: DataParts): string {
  const { parts, duplicates, skipped, warnings } = record;
  return renderPage({
    title: record.data,
    kind: 'Data',
    note: partLines(record).join('; '),
    main: html`${
      warnings.length > 0 &&
      html`<section><h2>Warnings</h2><ul class="card warnings">${warnings.map((text) => html`<li>${text}</li>\n`)}</ul></section>`
    }
${classSection(parts)}
${partsOf(data).map(sheetSection)}
<section><h2>Numbers</h2>
<p class="note">Of pixels from 0 to 1, where examples are pictures, by channel.</p>
${table('Numbers', ['', ...spreadColumns], spreadRows(parts))}</section>
${parts.some(({ files }) => files) && filesSection(parts)}
<section><h2>Duplicates</h2>
<p class="note">${duplicateText(record)}. Examples are the same if the network gets the same numbers.</p>
${duplicates.length > 0 && duplicateTable(record, data)}</section>
${
  skipped.length > 0 &&
  html`<section><h2>Files that were left out</h2>
${table(
  'Files that were left out',
  ['file', 'reason'],
  skipped.slice(0, mostRows).map(({ file, reason }) => [file, reason]),
  'text',
)}${more(skipped.length)}</section>`
}`,
  });
}

type Cell = string | Html;

/** @param kind `text` where all columns start at the left */
function table(
  name: string,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  kind: 'numbers' | 'text' = 'numbers',
): Html {
  return html`<div class="card scroll" tabindex="0" role="region" aria-label="${name}"><table class="epochs ${kind}">
<thead><tr>${columns.map((column) => (column === '' ? html`<td></td>` : html`<th scope="col">${column}</th>`))}</tr></thead>
<tbody>${rows.map(([first, ...rest]) => html`<tr><th scope="row">${first!}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody></table></div>`;
}

function more(length: number): Html | null {
  return length > mostRows ? html`<p class="muted">and ${length - mostRows} more</p>` : null;
}

function classSection(parts: readonly PartRecord[]): Html | null {
  const [first] = parts;
  if (!first || first.classes.length === 0) return null;
  const most = Math.max(...parts.flatMap(({ classes }) => classes.map(({ examples }) => examples)), 1);
  const cells = (name: string) =>
    parts.map(({ name: part, classes }) => {
      const examples = classes.find((one) => one.name === name)?.examples ?? 0;
      return html`<svg class="bar ${part}" viewBox="0 0 100 8" aria-hidden="true"><rect width="${((100 * examples) / most).toFixed(1)}" height="8"/></svg> ${examples.toLocaleString('en-US')}`;
    });
  return html`<section><h2>Classes</h2>
${table(
  'Classes',
  ['class', ...parts.map(partName)],
  first.classes.map(({ name }) => [name, ...cells(name)]),
)}</section>`;
}

function spreadRows(parts: readonly PartRecord[]): Cell[][] {
  return parts.flatMap((part) =>
    [...part.channels, ...part.values].map((spread) => [`${partName(part)}, ${spread.name}`, ...spreadRow(spread)]),
  );
}

function filesSection(parts: readonly PartRecord[]): Html {
  return html`<section><h2>Files</h2><div class="card">${parts.flatMap(fileLines).map((line) => html`<p>${line}</p>`)}</div></section>`;
}

/** The same pictures each time. */
function sheetSection({ name, data }: ReturnType<typeof partsOf>[number]): Html | null {
  if (!isPicture(data.features.shape)) return null;
  const sheets = [...examplesByClass(data)].slice(0, mostClasses).map(([label, indices]) => {
    const pictures = indices.map((index) => pictureOf(data, index));
    return html`<li>${sheet(pictures, `${count(pictures.length, 'example')} of ${label}`)}<span class="actual">${label}</span></li>\n`;
  });
  const title = name === 'train' ? 'Training data' : 'Test data';
  return html`<section><h2>${title}</h2><ul class="sheets">${sheets}</ul></section>`;
}

function sheet(pictures: readonly Picture[], alt: string): Html {
  return html`<img src="${sheetUrl(pictures, 6, 2)}" alt="${alt}">`;
}

/** Examples of each class by chance; where there are no single classes, of all. */
function examplesByClass(data: Dataset): Map<string, number[]> {
  const found = new Map<string, number[]>();
  const isSingle = data.labels === undefined || data.labels.shape.length === 0;
  for (const name of isSingle ? (data.classNames ?? []) : ['all']) found.set(name, []);
  for (const index of permutation(data.length, createGenerator(0))) {
    const { label } = data.get(index);
    const name = typeof label === 'number' ? (data.classNames?.[label] ?? String(label)) : 'all';
    const members = found.get(name) ?? [];
    if (members.length < mostPictures) members.push(index);
    found.set(name, members);
  }
  return new Map([...found].filter(([, members]) => members.length > 0));
}

function duplicateTable({ duplicates }: DataRecord, data: DataParts): Html {
  const parts = partsOf(data);
  const picture = (part: string, index: number) => {
    const dataset = parts.find(({ name }) => name === part)!.data;
    return (
      isPicture(dataset.features.shape) && html`<img class="small" src="${pngUrl(pictureOf(dataset, index))}" alt="">`
    );
  };
  const rows = duplicates.slice(0, mostRows).map(({ examples }) => {
    const [first] = examples;
    const names = examples.map(({ part, index, file, label }) => html`<p>${file ?? `${part} ${index}`} (${label})</p>`);
    return [html`${picture(first!.part, first!.index)}<span>${examples.length} times</span>`, html`${names}`];
  });
  return html`${table('Duplicates', ['example', 'where'], rows, 'text')}${more(duplicates.length)}`;
}
