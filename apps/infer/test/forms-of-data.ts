// The same images in all the forms that data has: folders, tables with names or numbers, lists of files, archives.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

export interface Example {
  /** Of a square, grey. */
  readonly pixels: Uint8Array;
  /** Which of the classes it is, whatever they are called. */
  readonly kind: number;
}

/** A PNG of the pixels, made once. */
const pngs = new WeakMap<Example, Promise<Buffer>>();

export function pngOf(example: Example): Promise<Buffer> {
  const side = Math.sqrt(example.pixels.length);
  const made =
    pngs.get(example) ??
    sharp(example.pixels, { raw: { width: side, height: side, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
  pngs.set(example, made);
  return made;
}

type Write = (path: string, examples: readonly Example[], nameOf: (kind: number) => string) => Promise<void>;

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const folders: Write = async (path, examples, nameOf) => {
  for (const [i, one] of examples.entries()) put(join(path, nameOf(one.kind), `${i}.png`), await pngOf(one));
};

const table: Write = async (path, examples, nameOf) => {
  const header = `label${Array.from(examples[0]!.pixels, (_, i) => `,p${i}`).join('')}`;
  put(path, `${[header, ...examples.map(({ pixels, kind }) => `${nameOf(kind)},${pixels.join(',')}`)].join('\n')}\n`);
};

/** Forms of data by the ending that a path of it needs; `isNumeric`: classes are numbers there. */
export const forms: Readonly<Record<string, { ending: string; isNumeric?: true; write: Write }>> = {
  folders: { ending: '', write: folders },
  'folders below test': {
    ending: '',
    async write(path, examples, nameOf) {
      await folders(join(path, 'train'), examples, nameOf);
      await folders(join(path, 'test'), examples, nameOf);
    },
  },
  'a table': { ending: '.csv', write: table },
  'a list of files': {
    ending: '.csv',
    async write(path, examples, nameOf) {
      const lines = await Promise.all(
        examples.map(async (one, i) => {
          const file = `${path}.files/${i}.png`;
          put(file, await pngOf(one));
          return `${file},${nameOf(one.kind)}`;
        }),
      );
      put(path, `image,label\n${lines.join('\n')}\n`);
    },
  },
  'an archive': {
    ending: '.npz',
    isNumeric: true,
    async write(path, examples, nameOf) {
      const side = Math.sqrt(examples[0]!.pixels.length);
      const labels = BigInt64Array.from(examples, ({ kind }) => BigInt(nameOf(kind)));
      const images = Buffer.concat(examples.map(({ pixels }) => pixels));
      put(
        path,
        archive({
          'x_train.npy': array('|u1', [examples.length, side, side], images),
          'y_train.npy': array('<i8', [examples.length], Buffer.from(labels.buffer)),
        }),
      );
    },
  },
  'IDX files': {
    ending: '',
    isNumeric: true,
    async write(path, examples, nameOf) {
      const side = Math.sqrt(examples[0]!.pixels.length);
      for (const part of ['train', 't10k']) {
        const images = Buffer.concat(examples.map(({ pixels }) => pixels));
        put(join(path, `${part}-images-idx3-ubyte`), idx([examples.length, side, side], images));
        const labels = Uint8Array.from(examples, ({ kind }) => Number(nameOf(kind)));
        put(join(path, `${part}-labels-idx1-ubyte`), idx([examples.length], labels));
      }
    },
  },
};

function idx(shape: readonly number[], data: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  for (const [i, n] of shape.entries()) header.writeUInt32BE(n, 4 + 4 * i);
  return Buffer.concat([header, data]);
}

/** A NumPy array, format 1.0. */
function array(type: string, shape: readonly number[], data: Uint8Array): Buffer {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const header = Buffer.alloc(10);
  header.write('\x93NUMPY\x01', 'latin1');
  header.writeUInt16LE(padded.length, 8);
  return Buffer.concat([header, Buffer.from(padded), data]);
}

/** A ZIP file without compression. */
function archive(files: Readonly<Record<string, Buffer>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, data] of Object.entries(files)) {
    const sizes = Buffer.alloc(26);
    sizes.writeUInt16LE(20);
    sizes.writeUInt32LE(data.length, 14);
    sizes.writeUInt32LE(data.length, 18);
    sizes.writeUInt16LE(name.length, 22);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\0'), sizes, entry, Buffer.from(name));
    parts.push(Buffer.from('PK\x03\x04'), sizes, Buffer.from(name), data);
    at += 30 + name.length + data.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  const count = Object.keys(files).length;
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
}
