// Images in Parquet files, as Hugging Face's data sets and Spark have them: a column of bytes, or of pairs of bytes and path.

import { BnError } from '@bn/core';
import type { FileMetaData, SchemaTree } from 'hyparquet';
import type { NamedImage } from '../classify/classify-images.js';

/** Rows of a Parquet file: a row group, which is read as a whole. */
export interface ParquetRows {
  /** Its path, as the user wrote it. */
  readonly parquet: string;
  readonly from: number;
  readonly to: number;
  /** Of the bytes of images. */
  readonly image: string;
  /** Of their names; null if they have none of their own. */
  readonly name: string | null;
}

const imageColumn = /^(image|img|content|bytes|data)$/i;
const nameColumn = /^(path|file(_?name|_?path)?|image_?(name|path|id)|name|id|key|__key__)$/i;

/** @throws BnError `file` or `data` if it is not a Parquet file of images */
export async function parquetGroups(name: string, path: string): Promise<ParquetRows[]> {
  const { parquetMetadataAsync, parquetSchema, asyncBufferFromFile } = await import('hyparquet');
  return reading(name, async () => {
    const metadata: FileMetaData = await parquetMetadataAsync(await asyncBufferFromFile(path));
    const columns = parquetSchema(metadata).children;
    const image = columns.find((column) => imageColumn.test(column.element.name) && holdsBytes(column));
    if (!image) {
      const found = columns.map(({ element }) => element.name).join(', ');
      const problem = `expected a column image (or img, content, bytes, data) with the bytes of image files, found ${found}`;
      throw new BnError('data', `${name}: ${problem}; rename it`);
    }
    const named = columns.find(({ element, children }) => nameColumn.test(element.name) && children.length === 0);
    let from = 0;
    return metadata.row_groups.map(({ num_rows }) => {
      const rows = { parquet: name, from, to: from + Number(num_rows) };
      from = rows.to;
      return { ...rows, image: image.element.name, name: named?.element.name ?? null };
    });
  });
}

function holdsBytes({ element, children }: SchemaTree): boolean {
  if (children.length > 0) return children.some((child) => child.element.name === 'bytes' && holdsBytes(child));
  return element.type === 'BYTE_ARRAY' && element.converted_type !== 'UTF8' && element.logical_type?.type !== 'STRING';
}

type Cell = Uint8Array | { readonly bytes: Uint8Array | null; readonly path?: string | null } | null;

/** The images of the rows, encoded as they are there. A row without one becomes an image of no bytes. */
export async function readParquetImages(rows: ParquetRows, path: string): Promise<NamedImage[]> {
  const { parquetReadObjects, asyncBufferFromFile } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const { parquet, from, to, image, name } = rows;
  return reading(parquet, async () => {
    const columns = name === null ? [image] : [image, name];
    // Without `utf8`, bytes stay bytes; texts that say so are texts all the same.
    const file = await asyncBufferFromFile(path);
    const read = await parquetReadObjects({ file, columns, rowStart: from, rowEnd: to, utf8: false, compressors });
    return read.map((row, i) => {
      const cell = row[image] as Cell;
      const [bytes, own] = cell instanceof Uint8Array || cell === null ? [cell, null] : [cell.bytes, cell.path ?? null];
      const named = own ?? (name === null ? null : row[name]) ?? `${parquet}#${from + i}`;
      return {
        image: named instanceof Uint8Array ? Buffer.from(named).toString() : String(named),
        source: bytes ?? new Uint8Array(0),
      };
    });
  });
}

async function reading<T>(name: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (cause) {
    if (cause instanceof BnError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code)
      throw new BnError('file', `${name}: cannot be read: ${message}; give a Parquet file of images`, { cause });
    throw new BnError('data', `${name}: not a readable Parquet file (${message}); write it again`, { cause });
  }
}
