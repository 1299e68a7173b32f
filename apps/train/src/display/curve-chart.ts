// Curves as text: a grid of braille cells, each 2 dots wide and 4 high, with axes and a name at the end of each curve.

/** Dots drawn and left out in turn, so that curves differ without colour. */
export type Dash = readonly [on: number, off: number];

export interface Curve {
  /** Stands at the curve's end, e.g. `loss 0.412`. */
  readonly label: string;
  /** By rising x. Points that are not finite leave a gap. */
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dash: Dash;
  readonly paint: (text: string) => string;
}

export interface CurveChartOptions {
  /** Columns and rows of the whole chart, axes and labels included. */
  readonly width: number;
  readonly height: number;
  /** The x axis goes from 0 to this, marked at whole numbers. */
  readonly xEnd: number;
  readonly xName: string;
  readonly dim: (text: string) => string;
}

/** Bits of a braille cell's dots, by row and column within the cell (Unicode block 2800). */
const brailleBits = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** The chart's lines, `height` of them, none wider than `width`. */
export function curveChart(curves: readonly Curve[], options: CurveChartOptions): string[] {
  const { width, height, xEnd, xName, dim } = options;
  const { top: yTop, parts } = yAxis(curves.flatMap((curve) => curve.points.map(([, y]) => y)));
  const rows = height - 2;
  const yLabels = axisLabels(yTop, rows > 8 ? parts : 1, rows);
  const left = Math.max(...yLabels.map((label) => label.length)) + 1;
  const margin = Math.max(...curves.map((curve) => curve.label.length)) + 1;
  const columns = Math.max(8, width - left - 1 - margin);

  const grid = new BrailleGrid(columns, rows);
  for (const [index, curve] of curves.entries()) {
    const dots = curve.points.map(
      ([x, y]) => [(x / xEnd) * (columns * 2 - 1), (1 - Math.min(y / yTop, 1)) * (rows * 4 - 1)] as const,
    );
    grid.draw(dots, curve.dash, index);
  }

  const labels = placeLabels(curves, columns / xEnd, (y) => (1 - Math.min(y / yTop, 1)) * (rows - 1), rows);
  const lines = yLabels.map((label, row) => {
    const axis = dim(`${label.padStart(left - 1)} ${label === '' ? '│' : '┤'}`);
    const placed = labels.get(row);
    return axis + grid.row(row, curves, placed ? Math.min(placed.column, columns) : columns, placed?.curve);
  });
  return [...lines, ...xAxis(left, columns, xEnd, xName).map(dim)];
}

/** The first digits an axis may end with, and into how many parts with short numbers it then falls. */
const axisEnds = [
  [1, 4],
  [1.5, 3],
  [2, 4],
  [2.5, 5],
  [3, 3],
  [4, 4],
  [5, 5],
  [6, 3],
  [8, 4],
  [10, 4],
] as const;

/** To 1 for accuracies and a loss below it; else to the next round number above all values. */
function yAxis(values: readonly number[]): { top: number; parts: number } {
  const highest = values.reduce((top, value) => (Number.isFinite(value) ? Math.max(top, value) : top), 1);
  const unit = 10 ** Math.floor(Math.log10(highest));
  const [digits, parts] = axisEnds.find(([end]) => end * unit >= highest) ?? [10, 4];
  return { top: digits * unit, parts };
}

/** A label for the top row, the bottom row and those between where a part ends; empty for the rest. */
function axisLabels(top: number, parts: number, rows: number): string[] {
  const labels = Array.from({ length: rows }, () => '');
  const places = Array.from({ length: parts + 1 }, (_, part) => (top * part) / parts);
  const digits = Math.max(...places.map((value) => String(Number(value.toPrecision(3))).split('.')[1]?.length ?? 0));
  for (const [part, value] of places.entries()) {
    labels[Math.round((rows - 1) * (1 - part / parts))] = value.toFixed(digits);
  }
  return labels;
}

/** The axis, and under it as many whole numbers as have room. */
function xAxis(left: number, columns: number, xEnd: number, name: string): [string, string] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find(
    (candidate) => (columns / xEnd) * candidate >= String(xEnd).length + 2,
  );
  const line = Array.from({ length: columns }, () => '─');
  const labels = Array.from({ length: left + 1 + columns }, () => ' ');
  for (let x = 0; step !== undefined && x <= xEnd; x += step) {
    const column = Math.min(columns - 1, Math.round((x / xEnd) * columns));
    if (x > 0) line[column] = '┴';
    const label = String(x);
    labels.splice(left + 1 + column - (label.length >> 1), label.length, ...label);
  }
  return [`${' '.repeat(left)}└${line.join('')}`, `${labels.join('')} ${name}`];
}

/** Labels go right of the curves' ends, each at the height of its own end or the nearest free row. */
function placeLabels(
  curves: readonly Curve[],
  columnsPerX: number,
  rowOf: (y: number) => number,
  rows: number,
): Map<number, { column: number; curve: Curve }> {
  const ends = curves.flatMap((curve) => {
    const end = curve.points.findLast(([, y]) => Number.isFinite(y));
    return end ? [{ curve, x: end[0], row: rowOf(end[1]) }] : [];
  });
  const column = Math.ceil(Math.max(...ends.map((end) => end.x)) * columnsPerX) + 1;
  const placed = new Map<number, { column: number; curve: Curve }>();
  for (const { curve, row } of ends.sort((a, b) => a.row - b.row)) {
    const wanted = Math.round(row);
    const free = Array.from({ length: rows }, (_, candidate) => candidate)
      .filter((candidate) => !placed.has(candidate))
      // Of two rows equally near the lower: curves come from top to bottom.
      .sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted) || b - a)[0];
    if (free !== undefined) placed.set(free, { column, curve });
  }
  return placed;
}

class BrailleGrid {
  readonly #dots: Uint8Array;
  /** Which curve a cell's colour comes from: the last drawn. */
  readonly #owners: Uint8Array;
  readonly #columns: number;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#dots = new Uint8Array(columns * rows);
    this.#owners = new Uint8Array(columns * rows);
  }

  /** Joins points, in dots from the top left, by straight lines. */
  draw(points: readonly (readonly [x: number, y: number])[], [on, off]: Dash, owner: number): void {
    let travelled = 0;
    for (const [i, to] of points.entries()) {
      const from = points[i - 1] ?? to;
      if (![...from, ...to].every(Number.isFinite)) continue;
      const steps = Math.max(1, Math.ceil(Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]))));
      for (let step = 0; step < steps; step++, travelled++) {
        if (travelled % (on + off) >= on) continue;
        const part = step / steps;
        this.#set(from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part, owner);
      }
    }
    const end = points.at(-1);
    if (end?.every(Number.isFinite)) this.#set(end[0], end[1], owner);
  }

  #set(x: number, y: number, owner: number): void {
    const dotX = Math.round(x);
    const dotY = Math.round(y);
    const cell = (dotY >> 2) * this.#columns + (dotX >> 1);
    this.#dots[cell]! |= brailleBits[dotY & 3]![dotX & 1]!;
    this.#owners[cell] = owner;
  }

  /** A row's cells up to `end`, then the label if one stands there. Runs of one curve are painted together. */
  row(row: number, curves: readonly Curve[], end: number, label: Curve | undefined): string {
    let text = '';
    let run = '';
    let painted: Curve | undefined;
    const flush = () => {
      text += painted ? painted.paint(run) : run;
      run = '';
    };
    for (let column = 0; column < end; column++) {
      const cell = row * this.#columns + column;
      const owner = this.#dots[cell] === 0 ? undefined : curves[this.#owners[cell]!];
      if (owner !== painted) flush();
      painted = owner;
      run += owner ? String.fromCharCode(0x2800 + this.#dots[cell]!) : ' ';
    }
    flush();
    return label ? `${text} ${label.paint(label.label)}` : text.trimEnd();
  }
}
