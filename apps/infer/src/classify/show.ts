// The three forms in which answers for images are shown: a table for people, CSV, and a line of JSON per image.

import type { OutputStream } from '@bn/command-line';
import { type Answer, answerFrom, answerNames, type BnError, type OutputSignature } from '@bn/core';
import cliTruncate from 'cli-truncate';
import Papa from 'papaparse';
import pc from 'picocolors';
import stringWidth from 'string-width';
import { type Column, cellText, column, tableLine } from '../text/table.js';

/** Writes what the model says of an image. */
export type Show = (image: string, row: Float32Array) => void;

export interface ShowOptions {
  readonly images: readonly string[];
  readonly output: OutputSignature;
  /** Classes per image. */
  readonly top: number;
}

export function showJson(stream: OutputStream, options: ShowOptions): Show {
  return (image, row) => stream.write(`${answerLine(image, answerOf(row, options))}\n`);
}

/** A model's answer, of classes the first `top`. */
export function answerOf(row: Float32Array, { output, top }: Pick<ShowOptions, 'output' | 'top'>): Answer {
  return answerFrom(row, output, output.kind === 'scores' ? output.size : top);
}

/** The line of JSON for an image. */
export function answerLine(image: string, answer: Answer): string {
  const shown = 'classes' in answer ? { ...answer.classes[0], top: answer.classes } : answer;
  return JSON.stringify({ type: 'image', image, ...shown });
}

/** The line of JSON for an image without an answer. */
export function errorLine(image: string, { code, message }: BnError): string {
  return JSON.stringify({ type: 'error', image, code, message });
}

/**
 * Columns image, class, probability, and for further classes class2, probability2, …; or image, labels and the score of each
 * label; or image and each value.
 */
export function showCsv(stream: OutputStream, { output, top }: ShowOptions): Show {
  const write = (row: readonly unknown[]) => stream.write(`${Papa.unparse([row])}\n`);
  write(titlesOf({ output, top }));
  return (image, row) => write([image, ...cellsOf(answerFrom(row, output), top)]);
}

/** Of the columns, the image's first. */
export function titlesOf({ output, top }: Pick<ShowOptions, 'output' | 'top'>): readonly string[] {
  const names = answerNames(output);
  const ranks = Array.from({ length: top }, (_, i) => (i === 0 ? '' : String(i + 1)));
  const classes = ranks.flatMap((rank) => [`class${rank}`, `probability${rank}`]);
  const titles = { logits: classes, probabilities: classes, scores: ['labels', ...names], values: names }[output.kind];
  return ['image', ...titles];
}

/** In the order of the columns behind the image's. */
export function cellsOf(answer: Answer, top: number): readonly unknown[] {
  if ('values' in answer) return answer.values.map(({ value }) => value);
  if ('classes' in answer) return answer.classes.slice(0, top).flatMap((one) => [one.class, one.probability]);
  const inOrder = answer.scores.toSorted((a, b) => a.index - b.index);
  return [answer.labels.join(';'), ...inOrder.map(({ score }) => score)];
}

/** Below this, colours say that the model is not sure. */
const sure = 0.5;

/** The narrowest that an image's path gets. */
const narrowest = 20;

export function showTable(stream: OutputStream, options: ShowOptions): Show {
  const colours = pc.createColors(stream.hasColors?.() ?? false);
  // What is not a terminal has no width: nothing is cut off there.
  const width = stream.columns || Number.POSITIVE_INFINITY;
  const { output, top } = options;
  const image = column('image', options.images.map(cellText), 'left');
  const { columns: others, rest } = columnsOf(options);
  const room = width - others.reduce((sum, { width }) => sum + 2 + width, 0) - rest;
  const columns = [{ ...image, width: Math.min(image.width, Math.max(narrowest, room)) }, ...others];
  const write = (cells: readonly string[]) => {
    const line = tableLine(columns, cells);
    stream.write(`${width === Number.POSITIVE_INFINITY ? line : cliTruncate(line, width)}\n`);
  };
  write(columns.map(({ title }) => colours.dim(title)));
  return (path, row) => {
    // The end of a path tells more than its middle.
    const start = cliTruncate(cellText(path), columns[0]!.width, { position: 'start' });
    write([start, ...paintedCells(answerFrom(row, output), top, colours)]);
  };
}

/** The columns behind the image, and how much wider than its title the last one about gets. */
function columnsOf({ output, top }: ShowOptions): { readonly columns: readonly Column[]; readonly rest: number } {
  const names = answerNames(output).map(cellText);
  if (output.kind === 'values') return { columns: names.map((name) => column(name, ['-0.12345'], 'right')), rest: 0 };
  // Further classes are of usual length; the end of a longer line is cut off.
  const usual = names.reduce((sum, name) => sum + stringWidth(name), 0) / names.length + 8;
  if (output.kind === 'scores') return { columns: [column('labels', [], 'left')], rest: Math.ceil(usual) };
  const columns = [column('class', names, 'left'), column('probability', [], 'right')];
  return { columns: top > 1 ? [...columns, column('else', [], 'left')] : columns, rest: Math.ceil((top - 1) * usual) };
}

function paintedCells(answer: Answer, top: number, colours: ReturnType<typeof pc.createColors>): string[] {
  if ('values' in answer) return answer.values.map(({ value }) => String(Number(value.toPrecision(5))));
  if ('scores' in answer) {
    const present = answer.scores.filter(({ score }) => score >= 0.5);
    const shown = present.map(({ label, score }) => `${colours.bold(cellText(label))} ${score.toFixed(3)}`).join(', ');
    return [present.length > 0 ? shown : colours.dim('none')];
  }
  const [first, ...rest] = answer.classes.slice(0, top);
  const { probability } = first!;
  const paint = probability < sure ? colours.yellow : colours.green;
  const further = rest.map((one) => `${cellText(one.class)} ${one.probability.toFixed(3)}`).join(', ');
  const cells = [colours.bold(cellText(first!.class)), paint(probability.toFixed(3))];
  return top > 1 ? [...cells, colours.dim(further)] : cells;
}
