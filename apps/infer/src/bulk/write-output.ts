// The parts, one after another, as one file: lines of JSON as they are, or a table.

import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError, writeAtomically } from '@bn/command-line';
import { type Answer, BnError } from '@bn/core';
import type { SchemaElement } from 'hyparquet';
import Papa from 'papaparse';
import { cellsOf, type ShowOptions, titlesOf } from '../classify/show.js';
import { type Plan, partFile } from './work-folder.js';

/** A line of a part. */
type Line = { readonly type: 'error'; readonly image: string; readonly message: string } | AnswerLine;
interface AnswerLine {
  readonly type: 'image';
  readonly image: string;
  readonly top?: Extract<Answer, { classes: unknown }>['classes'];
}

type Write = (path: string, parts: AsyncIterable<Part>, shown: Shown) => Promise<void>;
type Shown = Pick<ShowOptions, 'output' | 'top'>;

interface Part {
  readonly text: string;
  readonly lines: readonly Line[];
}

const formats: Readonly<Record<string, Write>> = {
  '.csv': writeCsv,
  '.jsonl': writeJsonLines,
  '.parquet': writeParquet,
};

/** @throws UsageError for an ending that is none of these */
export function requireFormat(out: string): void {
  if (Object.hasOwn(formats, extname(out))) return;
  const known = Object.keys(formats).join(', ');
  throw new UsageError(`--out ${out}: expected a name that ends in one of ${known}`);
}

/**
 * Puts all parts together, in the order of the images.
 *
 * @returns how many images have no answer
 * @throws BnError `data` if a part is not what was written, `file` if the file cannot be written
 */
export async function writeOutput(out: string, folder: string, plan: Plan, shown: Shown): Promise<number> {
  const count = { failed: 0 };
  await writeAtomically(out, (path) => formats[extname(out)]!(path, partsOf(folder, plan, count), shown));
  return count.failed;
}

async function* partsOf(folder: string, { shards }: Plan, count: { failed: number }): AsyncGenerator<Part> {
  for (const [shard, [, , images]] of shards.entries()) {
    const file = partFile(folder, shard);
    const text = await readFile(file, 'utf8');
    const lines = text.split('\n').flatMap((line) => (line ? [JSON.parse(line) as Line] : []));
    if (lines.length !== images) {
      const problem = `${file}: expected ${images} lines, got ${lines.length}: something else has changed the file`;
      throw new BnError('data', `${problem}; remove it, and give the same call again`);
    }
    count.failed += lines.filter(({ type }) => type === 'error').length;
    yield { text, lines };
  }
}

async function writeJsonLines(path: string, parts: AsyncIterable<Part>): Promise<void> {
  const texts = async function* () {
    for await (const { text } of parts) yield text;
  };
  await pipeline(Readable.from(texts()), createWriteStream(path));
}

async function writeCsv(path: string, parts: AsyncIterable<Part>, shown: Shown): Promise<void> {
  const texts = async function* () {
    yield `${Papa.unparse([[...titlesOf(shown), 'error']])}\n`;
    for await (const { lines } of parts)
      yield `${Papa.unparse(
        lines.map((line) => rowOf(line, shown)),
        { newline: '\n' },
      )}\n`;
  };
  await pipeline(Readable.from(texts()), createWriteStream(path));
}

/** The cells of a line, the image first and what is wrong last; null where there is nothing. */
function rowOf(line: Line, shown: Shown): readonly unknown[] {
  if (line.type === 'error')
    return [
      line.image,
      ...titlesOf(shown)
        .slice(1)
        .map(() => null),
      line.message,
    ];
  return [line.image, ...cellsOf(answerIn(line), shown.top), null];
}

function answerIn(line: AnswerLine): Answer {
  return line.top ? { classes: line.top } : (line as unknown as Answer);
}

/** Rows that are held, and written together. */
const rowGroup = 50_000;

/** Texts, and float32 for probabilities, scores and values; the labels of an image are a list. */
async function writeParquet(path: string, parts: AsyncIterable<Part>, shown: Shown): Promise<void> {
  const { fileWriter, ParquetWriter } = await import('hyparquet-writer');
  const titles = distinct([...titlesOf(shown), 'error']);
  const { kind } = shown.output;
  const hasLabels = kind === 'scores';
  const hasClasses = !hasLabels && kind !== 'values';
  const isText = (column: number) => [0, titles.length - 1].includes(column) || (hasClasses && column % 2 === 1);
  const schema = titles.flatMap((name, column): SchemaElement[] => {
    if (hasLabels && column === 1) return listOfTexts(name);
    const own: SchemaElement = isText(column) ? text(name) : { name, type: 'FLOAT' };
    return [{ ...own, repetition_type: column === 0 ? 'REQUIRED' : 'OPTIONAL' }];
  });
  const root = { name: 'root', num_children: titles.length };
  const writer = new ParquetWriter({ writer: fileWriter(path), schema: [root, ...schema] });
  let rows: (readonly unknown[])[] = [];
  const flush = async () => {
    const columnData = titles.map((name, column) => ({ name, data: rows.map((row) => row[column]) }));
    await writer.write({ columnData, rowGroupSize: rowGroup });
    rows = [];
  };
  for await (const { lines } of parts) {
    for (const line of lines) {
      const row = rowOf(line, shown);
      rows.push(hasLabels ? row.with(1, 'labels' in line ? line.labels : null) : row);
    }
    if (rows.length >= rowGroup) await flush();
  }
  await flush();
  await writer.finish();
}

function text(name: string): SchemaElement {
  return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
}

function listOfTexts(name: string): SchemaElement[] {
  return [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { ...text('element'), repetition_type: 'REQUIRED' },
  ];
}

/** Names as they are, but those that were there before, as a label that is called `image`. */
function distinct(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let own = name;
    for (let i = 2; taken.has(own); i++) own = `${name} ${i}`;
    taken.add(own);
    return own;
  });
}
