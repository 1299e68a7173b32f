// The three forms in which classified images are shown: a table for people, CSV, and a line of JSON per image.

import type { OutputStream } from '@bn/command-line';
import cliTruncate from 'cli-truncate';
import Papa from 'papaparse';
import pc from 'picocolors';
import stringWidth from 'string-width';
import { cellText, column, tableLine } from '../text/table.js';
import type { RankedClass } from './best-classes.js';

/** Writes a classified image; `best` is the first class, and as many more as were asked for. */
export type Show = (image: string, best: readonly RankedClass[]) => void;

export interface ShowOptions {
  readonly images: readonly string[];
  readonly classNames: readonly string[];
  /** Classes per image. */
  readonly top: number;
}

export function showJson(stream: OutputStream): Show {
  return (image, best) => stream.write(`${JSON.stringify({ type: 'image', image, ...best[0], top: best })}\n`);
}

/** Columns image, class, probability, and for further classes class2, probability2, … */
export function showCsv(stream: OutputStream, { top }: ShowOptions): Show {
  const write = (row: readonly unknown[]) => stream.write(`${Papa.unparse([row])}\n`);
  const ranks = Array.from({ length: top }, (_, i) => (i === 0 ? '' : String(i + 1)));
  write(['image', ...ranks.flatMap((rank) => [`class${rank}`, `probability${rank}`])]);
  return (image, best) => write([image, ...best.flatMap((one) => [one.class, one.probability])]);
}

/** Below this, colours say that the model is not sure. */
const sure = 0.5;

/** The narrowest that an image's path gets. */
const narrowest = 20;

export function showTable(stream: OutputStream, { images, classNames, top }: ShowOptions): Show {
  const colours = pc.createColors(stream.hasColors?.() ?? false);
  // What is not a terminal has no width: nothing is cut off there.
  const width = stream.columns || Number.POSITIVE_INFINITY;
  const names = classNames.map(cellText);
  const image = column('image', images.map(cellText), 'left');
  const others = [column('class', names, 'left'), column('probability', [], 'right')];
  // Further classes are of usual length; the end of a longer line is cut off.
  const usualName = names.reduce((sum, name) => sum + stringWidth(name), 0) / names.length;
  const room = width - others.reduce((sum, { width }) => sum + 2 + width, 0) - Math.ceil((top - 1) * (usualName + 8));
  const columns = [
    { ...image, width: Math.min(image.width, Math.max(narrowest, room)) },
    ...others,
    ...(top > 1 ? [column('else', [], 'left')] : []),
  ];
  const write = (cells: readonly string[]) => {
    const line = tableLine(columns, cells);
    stream.write(`${width === Number.POSITIVE_INFINITY ? line : cliTruncate(line, width)}\n`);
  };
  write(columns.map(({ title }) => colours.dim(title)));
  return (path, [first, ...rest]) => {
    const { probability } = first!;
    const paint = probability < sure ? colours.yellow : colours.green;
    const further = rest.map((one) => `${cellText(one.class)} ${one.probability.toFixed(3)}`).join(', ');
    write([
      // The end of a path tells more than its middle.
      cliTruncate(cellText(path), columns[0]!.width, { position: 'start' }),
      colours.bold(cellText(first!.class)),
      paint(probability.toFixed(3)),
      ...(top > 1 ? [colours.dim(further)] : []),
    ]);
  };
}
