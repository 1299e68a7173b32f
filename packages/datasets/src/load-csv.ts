// CSV as Kaggle has it: a header `label,pixel1,…,pixel784`, then one image a line, row-major, 0..255.

import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
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
  let table = undefined as Table | undefined;
  let lineNumber = 0;
  await readLines(file, (fields) => {
    const at = `${file}:${++lineNumber}`;
    if (fields.length === 1 && fields[0]!.trim() === '') return;
    if (table) {
      const row = parseRow(at, fields, table);
      labels.push(row.label);
      images.push(row.pixels);
    } else {
      table = parseHeader(at, fields, options);
    }
  });
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
}

async function readLines(file: string, onLine: (fields: string[]) => void): Promise<void> {
  const { default: Papa } = await import('papaparse');
  // Large chunks: the parser starts the line at the end of one again with the next.
  const bytes = createReadStream(file, { highWaterMark: 2 ** 20 });
  const text = file.endsWith('.gz') ? pipeline(bytes, createGunzip({ chunkSize: 2 ** 20 }), () => {}) : bytes;
  try {
    await new Promise<void>((resolve, reject) => {
      Papa.parse<string[]>(text.setEncoding('utf8'), {
        delimiter: ',',
        newline: '\n', // CRLF as well: values are trimmed.
        beforeFirstChunk: (chunk) => chunk.replace(/^\uFEFF/, ''),
        step: ({ data }) => onLine(data),
        complete: () => resolve(),
        error: reject,
      });
    });
  } catch (cause) {
    throw readError(file, cause, 'a CSV file');
  } finally {
    text.destroy();
  }
}

function parseHeader(at: string, fields: readonly string[], options: CsvOptions): Table {
  const columns = fields.map((name) => name.trim());
  if (columns.every((name) => /^[\d.]+$/.test(name))) {
    throw new BnError('data', `${at}: expected a header, got numbers; ${HEADER}`);
  }
  const labelColumn = columns.indexOf('label');
  if (labelColumn < 0) {
    const got = columns.join(',');
    if (/[\0\uFFFD]/.test(got)) throw new BnError('data', `${at}: expected text in UTF-8; save the file as UTF-8`);
    throw new BnError(
      'data',
      `${at}: expected a column named label between commas, got ${excerpt(got)}; training needs labels: ${HEADER}`,
    );
  }
  const classes = options.classNames?.length ?? 2 ** 31;
  const shape = imageShape(at, columns.length - 1, options.shape);
  return { columns, labelColumn, maxLabel: classes - 1, shape };
}

function imageShape(at: string, pixels: number, shape: readonly number[] | undefined): readonly number[] {
  const side = Math.sqrt(pixels);
  if (shape ? sizeOf(shape) === pixels : pixels > 0 && Number.isInteger(side)) return shape ?? [1, side, side];
  throw new BnError(
    'data',
    `${at}: ${pixels} pixel columns (all but label) ${
      shape ? `do not fill the shape ${formatShape(shape)}` : 'make no square image'
    }; leave out what is no pixel, or say the shape, [channels, height, width], by the option shape or by the network's input`,
  );
}

function parseRow(at: string, fields: readonly string[], table: Table): { label: number; pixels: Uint8Array } {
  const { columns, labelColumn, maxLabel } = table;
  if (fields.length !== columns.length) {
    throw new BnError(
      'data',
      `${at}: expected ${columns.length} values as in the header, got ${fields.length}; correct or remove the line`,
    );
  }
  const values = fields.map((field, column) => {
    const text = field.trim();
    const value = /^\d+(\.0*)?$/.test(text) ? Number(text) : Number.NaN;
    const isLabel = column === labelColumn;
    const max = isLabel ? maxLabel : 255;
    // Written so that NaN fails too.
    if (value <= max) return value;
    throw new BnError(
      'data',
      `${at}: ${columns[column]} is ${excerpt(text)}, expected an integer from 0 to ${max}; ${
        isLabel ? 'number the classes from 0' : 'correct or remove the line'
      }`,
    );
  });
  const [label] = values.splice(labelColumn, 1) as [number];
  return { label, pixels: new Uint8Array(values) };
}

/** For messages: whatever a wrong file holds, visible and not too long. */
function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
