// CSV as Kaggle has it: a header `label,pixel1,…,pixel784`, then one image a line, row-major, 0..255; or a list of image files.

import { createReadStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BnError, type Dataset, formatShape, sizeOf } from '@bn/core';
import { excerpt, HEADER, type TargetOptions, type Targets, targetsOf } from './csv-targets.js';
import { MemoryDataset } from './memory-dataset.js';
import { readError } from './read-error.js';
import { type ImageOptions, type Loaded, readImages } from './read-images.js';

export interface CsvOptions extends TargetOptions, ImageOptions {
  /**
   * Shape of an image, `[channels, height, width]`, whose pixels a line holds row-major. Without it, `size` and `channels` say
   * it; without these, images are square and grey.
   */
  readonly shape?: readonly number[] | undefined;
}

/**
 * Loads a `.csv` (or `.csv.gz`) of images. The column named `label` holds class indices, or names, which become the class
 * names in their sorted order; `task` and `targets` have others. Every other column is a pixel, in the order of the columns.
 * The file is streamed; memory is taken for the pixels, as uint8.
 *
 * If a column is named `image`, `path`, `file` or `filename`, it holds the paths of images, relative to the CSV's folder, that
 * are read as in `loadImageFolder`; columns that are no target are ignored.
 *
 * @throws BnError `file` when the file cannot be read; `data`, with the line number, when the header or the number of
 * pixels does not fit, lines differ in length, or a value is not in its range; when none of its images can be read.
 */
export async function loadCsv(file: string, options: CsvOptions = {}): Promise<Loaded<Dataset>> {
  const images: Uint8Array[] = [];
  const paths: string[] = [];
  let table = undefined as Table | undefined;
  await readLines(file, (at, fields) => {
    if (fields.length === 1 && fields[0]!.trim() === '') return;
    if (!table) {
      table = parseHeader(at, fields, options);
      return;
    }
    const texts = trimmed(at, fields, table);
    const values = table.targets.columns.map((column) => texts[column]!);
    table.targets.add(at, values);
    if (table.imageColumn >= 0) paths.push(resolve(dirname(file), texts[table.imageColumn]!));
    else images.push(pixelsOf(at, texts, table));
  });
  if (!table) throw new BnError('data', `${file}: the file is empty; ${HEADER}`);
  if (images.length + paths.length === 0) {
    throw new BnError('data', `${file}: there is nothing after the header; add one line per image`);
  }
  if (table.imageColumn < 0) {
    const { shape, targets } = table;
    const parts = { features: Buffer.concat(images), shape, ...targets.labels([...images.keys()]) };
    return Object.assign(new MemoryDataset(parts), { files: [], skipped: [] });
  }
  const { kept, skipped, withLabels } = await readImages(paths, options);
  if (kept.length > 0) {
    const dataset = await withLabels(table.targets.labels(kept));
    return Object.assign(dataset, { files: kept.map((i) => paths[i]!), skipped });
  }
  const { file: first, reason } = skipped[0]!;
  const problem = `none of the ${paths.length} images can be read (${first}: ${reason})`;
  throw new BnError('data', `${file}: ${problem}; give paths relative to the file's folder`);
}

/** What the header says of every line. */
interface Table {
  readonly columns: readonly string[];
  readonly targets: Targets;
  /** -1 if the columns that are no targets are pixels. */
  readonly imageColumn: number;
  readonly pixelColumns: readonly number[];
  readonly shape: readonly number[];
}

/** In characters: more than a line of 1500 × 1500 pixels takes. What is not a line yet is kept, and read again and again. */
const longestLine = 2 ** 23;

async function readLines(file: string, onLine: (at: string, fields: string[]) => void): Promise<void> {
  const { default: Papa } = await import('papaparse');
  // Large chunks: the parser starts the line at the end of one again with the next.
  const bytes = createReadStream(file, { highWaterMark: 2 ** 20 });
  const text = file.endsWith('.gz') ? pipeline(bytes, createGunzip({ chunkSize: 2 ** 20 }), () => {}) : bytes;
  let [lineNumber, read, parsed] = [0, 0, 0];
  const wrong = (problem: string) =>
    new BnError('data', `${file}:${lineNumber + 1}: ${problem}; close the quote, or correct the line`);
  try {
    await new Promise<void>((resolve, reject) => {
      text.setEncoding('utf8').on('data', (chunk: string) => {
        read += chunk.length;
        const isLong = read - parsed > longestLine + chunk.length;
        if (isLong)
          text.destroy(wrong(`the line has more than ${longestLine} characters, as after a quote that is not closed`));
      });
      Papa.parse<string[]>(text, {
        delimiter: ',',
        newline: '\n', // CRLF as well: values are trimmed.
        beforeFirstChunk: (chunk) => chunk.replace(/^\uFEFF/, ''),
        step({ data, errors, meta }) {
          if (errors.some(({ code }) => code === 'MissingQuotes'))
            throw wrong('a quote opens in this line and is not closed');
          onLine(`${file}:${++lineNumber}`, data);
          parsed = meta.cursor;
        },
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
  const imageColumn = columns.findIndex((name) => /^(image|path|file)(_?(name|path|file))?$/i.test(name));
  const targets = targetsOf(at, columns, imageColumn, options);
  const pixelColumns = [...columns.keys()].filter((column) => !targets.columns.includes(column));
  const shape = imageColumn < 0 ? imageShape(at, pixelColumns.length, options) : [];
  return { columns, targets, imageColumn, pixelColumns, shape };
}

function imageShape(at: string, pixels: number, { shape, size, channels }: CsvOptions): readonly number[] {
  const squareOf = (planes: number) => {
    const side = Math.sqrt(pixels / planes);
    return pixels > 0 && Number.isInteger(side) ? [planes, side, side] : null;
  };
  const asked = shape ?? (size ? [channels ?? 1, ...size] : squareOf(channels ?? 1));
  if (asked && sizeOf(asked) === pixels) return asked;
  const square = channels === 3 ? 'square image in colour' : 'square image';
  const problem = asked ? `do not fill an image of the shape ${formatShape(asked)}` : `make no ${square}`;
  const isColour = !asked && channels !== 3 && squareOf(3);
  const cure = isColour
    ? 'for images in colour, ask for 3 channels (--channels 3)'
    : 'other images need a network that says what it takes: [channels, height, width] (--model)';
  const advice = `leave out columns that are not pixels; ${cure}`;
  throw new BnError('data', `${at}: ${pixels} pixel columns (all but label) ${problem}; ${advice}`);
}

function trimmed(at: string, fields: readonly string[], { columns }: Table): string[] {
  if (fields.length === columns.length) return fields.map((field) => field.trim());
  const problem = `expected ${columns.length} values as in the header, got ${fields.length}`;
  throw new BnError('data', `${at}: ${problem}; correct or remove the line`);
}

function pixelsOf(at: string, texts: readonly string[], { columns, pixelColumns }: Table): Uint8Array {
  const pixels = new Uint8Array(pixelColumns.length);
  for (const [i, column] of pixelColumns.entries()) {
    const text = texts[column]!;
    const value = /^\d+(\.0*)?$/.test(text) ? Number(text) : Number.NaN;
    // Written so that NaN fails too.
    if (!(value <= 255)) {
      const problem = `${columns[column]} is ${excerpt(text)}, expected an integer from 0 to 255`;
      throw new BnError('data', `${at}: ${problem}; correct or remove the line`);
    }
    pixels[i] = value;
  }
  return pixels;
}
