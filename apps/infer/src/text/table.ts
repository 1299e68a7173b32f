// Text in columns, for terminals: signs of two columns' width and colours counted as they show.

import { printable } from '@bn/command-line';
import stringWidth from 'string-width';

export interface Column {
  readonly title: string;
  readonly width: number;
  readonly align: 'left' | 'right';
}

/** A column as wide as the widest of its texts. */
export function column(title: string, texts: readonly string[], align: Column['align']): Column {
  const width = texts.reduce((most, text) => Math.max(most, stringWidth(text)), stringWidth(title));
  return { title, width, align };
}

/** The cells in their columns, two spaces between. */
export function tableLine(columns: readonly Column[], cells: readonly string[]): string {
  const padded = columns.map(({ width, align }, i) => {
    const space = ' '.repeat(Math.max(0, width - stringWidth(cells[i]!)));
    return align === 'left' ? cells[i] + space : space + cells[i];
  });
  return padded.join('  ').trimEnd();
}

/** Rows in columns as wide as their texts: the first column to the left, the others to the right. */
export function alignedLines(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0]!.map((title, i) => {
    const texts = rows.map((row) => row[i]!);
    return column(title, texts, i === 0 ? 'left' : 'right');
  });
  return rows.map((row) => tableLine(columns, row));
}

/** Text from outside, on one line. */
export function cellText(text: string): string {
  return printable(text).replace(/\s+/g, ' ');
}
