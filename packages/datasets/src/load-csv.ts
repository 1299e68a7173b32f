// CSV as Kaggle has it: a header `label,pixel1,…,pixel784`, then one image a line, row-major, 0..255.

import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BnError, formatShape, sizeOf } from '@bn/core';
import { MemoryDataset } from './memory-dataset.js';
import { readError } from './read-error.js';

export interface CsvOptions {
  /**
   * Shape of an image, `[channels, height, width]`, whose pixels a line holds row-major. Without it, a square number of
   * pixels is one channel, `[1, side, side]`; colour images (`[3, side, side]`) must be asked for.
   */
  readonly shape?: readonly number[];
  /** Names in the order of the class indices; every label must then have one. */
  readonly classNames?: readonly string[];
}

/**
 * Loads a `.csv` (or `.csv.gz`) of images. The column named `label` holds class indices; every other column is a pixel,
 * in the order of the columns. The file is streamed; memory is taken for the pixels, as uint8.
 *
 * @throws BnError `file` when the file cannot be read; `data`, with the line number, when the header or the number of
 * pixels does not fit, lines differ in length, or a value is not an integer in its range.
 */
export async function loadCsv(file: string, options: CsvOptions = {}): Promise<MemoryDataset> {
  const images: Uint8Array[] = [];
  const labels: number[] = [];
  let table: Table | undefined;
  let lineNumber = 0;
  try {
    for await (const line of readLines(file)) {
      const at = `${file}:${++lineNumber}`;
      if (line.length === 0) continue;
      if (table) {
        const row = parseRow(at, line, table);
        labels.push(row.label);
        images.push(row.pixels);
      } else {
        table = parseHeader(at, line, options);
      }
    }
  } catch (cause) {
    throw readError(file, cause, 'a CSV file');
  }
  if (!table) throw new BnError('data', `${file}: the file is empty; ${HEADER}`);
  if (images.length === 0) {
    throw new BnError('data', `${file}: there is nothing after the header; add one line per image`);
  }
  return new MemoryDataset({
    features: Buffer.concat(images),
    shape: table.shape,
    labels: Int32Array.from(labels),
    ...(options.classNames && { classNames: options.classNames }),
  });
}

const HEADER = 'give a file whose first line is a header such as label,pixel1,…,pixel784';

/** What the header says of every line. */
interface Table {
  readonly columns: readonly string[];
  readonly labelColumn: number;
  readonly maxLabel: number;
  readonly shape: readonly number[];
  /** The numbers of the line being read. */
  readonly values: Float64Array;
}

// Lines without their ends.
async function* readLines(file: string): AsyncGenerator<Buffer> {
  const stream = createReadStream(file, { highWaterMark: 2 ** 20 });
  const bytes: Readable = file.endsWith('.gz')
    ? pipeline(stream, createGunzip({ chunkSize: 2 ** 20 }), () => {})
    : stream;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED, start)) {
      yield withoutCarriageReturn(rest.subarray(start, end));
      start = end + 1;
    }
    rest = rest.subarray(start);
  }
  if (rest.length > 0) yield withoutCarriageReturn(rest);
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const COMMA = 44;
const ZERO = 48;

function withoutCarriageReturn(line: Buffer): Buffer {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

function parseHeader(at: string, line: Buffer, options: CsvOptions): Table {
  const columns = splitFields(line);
  if (columns.every((name) => /^[\d.]+$/.test(name))) {
    throw new BnError('data', `${at}: expected a header, got numbers; ${HEADER}`);
  }
  const labelColumn = columns.indexOf('label');
  if (labelColumn < 0) {
    throw new BnError(
      'data',
      `${at}: expected a column named label, got ${excerpt(columns.join(','))}; training needs labels: ${HEADER}`,
    );
  }
  const classes = options.classNames?.length ?? 2 ** 31;
  const shape = imageShape(at, columns.length - 1, options.shape);
  return { columns, labelColumn, maxLabel: classes - 1, shape, values: new Float64Array(columns.length) };
}

function imageShape(at: string, pixels: number, shape: readonly number[] | undefined): readonly number[] {
  const side = Math.sqrt(pixels);
  if (shape ? sizeOf(shape) === pixels : pixels > 0 && Number.isInteger(side)) return shape ?? [1, side, side];
  throw new BnError(
    'data',
    `${at}: ${pixels} pixel columns (all but label) ${
      shape ? `do not fill the shape ${formatShape(shape)}` : 'make no square image'
    }; give the option shape as [channels, height, width] with that many pixels`,
  );
}

function parseRow(at: string, line: Buffer, table: Table): { label: number; pixels: Uint8Array } {
  const { columns, labelColumn, maxLabel, values } = table;
  if (!readPlainRow(line, values)) readUnusualRow(at, line, values);
  const pixels = new Uint8Array(values.length - 1);
  let pixel = 0;
  for (let column = 0; column < values.length; column++) {
    const value = values[column]!;
    const max = column === labelColumn ? maxLabel : 255;
    // Written so that NaN fails too.
    if (!(value <= max)) {
      throw new BnError(
        'data',
        `${at}: ${columns[column]} is ${excerpt(splitFields(line)[column])}, expected an integer from 0 to ${max}; correct or remove the line`,
      );
    }
    if (column !== labelColumn) pixels[pixel++] = value;
  }
  return { label: values[labelColumn]!, pixels };
}

// Nearly every line is digits and commas alone: this reads them several times as fast as splitting into strings does.
// False when the line holds anything else, or not as many numbers as `values` has room for.
function readPlainRow(line: Buffer, values: Float64Array): boolean {
  let column = 0;
  let value = 0;
  let digits = 0;
  for (let i = 0; i < line.length; i++) {
    const byte = line[i]!;
    if (byte >= ZERO && byte < ZERO + 10) {
      value = value * 10 + byte - ZERO;
      digits++;
    } else {
      if (byte !== COMMA || digits === 0 || column >= values.length) return false;
      values[column++] = value;
      value = 0;
      digits = 0;
    }
  }
  values[column] = value;
  return digits > 0 && column === values.length - 1;
}

/** Any other line: quotes, spaces, `12.0`. What is no integer from 0 upwards becomes NaN. */
function readUnusualRow(at: string, line: Buffer, values: Float64Array): void {
  const fields = splitFields(line);
  if (fields.length !== values.length) {
    throw new BnError(
      'data',
      `${at}: expected ${values.length} values as in the header, got ${fields.length}; correct or remove the line`,
    );
  }
  for (const [column, text] of fields.entries()) values[column] = /^\d+(\.0*)?$/.test(text) ? Number(text) : Number.NaN;
}

// No CSV parser is needed: fields are integers and plain names, so commas and line breaks never stand within quotes.
function splitFields(line: Buffer): string[] {
  const fields = line.toString().replaceAll('"', '').split(',');
  return fields.map((field) => field.trim());
}

/** For messages: whatever a wrong file holds, visible and not too long. */
function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
