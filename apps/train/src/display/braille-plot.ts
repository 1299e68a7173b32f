// Curves in a terminal, of braille characters: each has two by four dots, so that curves which cross share a character.

/** What stands for a curve beside its name, and of how many dots in a row how many are drawn. */
const lines = { solid: ['━━', 1, 1], dotted: ['┅┅', 2, 1], dashed: ['╍╍', 6, 3] } as const;

export interface Curve {
  /** Stands beside the curve's sign, above the plot; so does its latest value, where there is room. */
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly line: keyof typeof lines;
  readonly paint: (text: string) => string;
}

export interface PlotSize {
  readonly width: number;
  /** Lines in all, at least 6. */
  readonly height: number;
  /** The x axis goes from 0 to this whole number. */
  readonly end: number;
  /** What the x axis counts, in at most 5 characters. */
  readonly unit: string;
  /** What stands at a mark of the x axis, in at most 5 characters; default: its number. */
  readonly mark?: (x: number) => string;
  /** A place on the x axis that has a pointer, and its name above the plot; default: none. */
  readonly pointer?: { readonly x: number; readonly name: string } | undefined;
}

/** The dots of a braille character, from U+2800, by row and column. */
const dots = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];

/** `height` lines: names, grid, x axis and its numbers. Points that are not finite are left out. */
export function braillePlot(
  curves: readonly Curve[],
  { width, height, end, unit, mark = String, pointer }: PlotSize,
): string[] {
  const drawn = curves.map((curve) => ({ ...curve, points: curve.points.filter(([, y]) => Number.isFinite(y)) }));
  const rows = height - 3;
  const { low, step, marks } = scaleOf(
    drawn.flatMap(({ points }) => points.map(([, y]) => y)),
    Math.floor(rows / 3),
  );
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const labels = Array.from({ length: marks + 1 }, (_, i) => (low + i * step).toFixed(digits));
  const margin = Math.max(5, ...labels.map(({ length }) => length));
  const columns = width - margin - 2;

  const cells = new Uint8Array(rows * columns);
  const owners = new Int8Array(rows * columns);
  for (const [owner, { points, line }] of drawn.entries()) {
    const [, period, drawnOf] = lines[line];
    const place = ([x, y]: readonly [number, number]) =>
      [(x / end) * (2 * columns - 1), (1 - (y - low) / (marks * step)) * (4 * rows - 1)] as const;
    let length = 0;
    for (const [i, point] of points.entries()) {
      const [[x0, y0], [x1, y1]] = [place(points[Math.max(0, i - 1)]!), place(point)];
      const count = Math.max(1, Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))));
      for (let at = i === 0 ? count : 1; at <= count; at++) {
        if (length++ % period >= drawnOf) continue;
        const [x, y] = [Math.round(x0 + ((x1 - x0) * at) / count), Math.round(y0 + ((y1 - y0) * at) / count)];
        const cell = (y >> 2) * columns + (x >> 1);
        cells[cell]! |= dots[2 * (y & 3) + (x & 1)]!;
        owners[cell] = owner;
      }
    }
  }

  const rowText = (row: number) => {
    let text = '';
    for (let from = 0, to = 1; from < columns; from = to++) {
      const at = row * columns;
      const [first, isBlank] = [owners[at + from]!, cells[at + from] === 0];
      while (to < columns && (cells[at + to] === 0) === isBlank && owners[at + to] === first) to++;
      const part = Array.from(cells.subarray(at + from, at + to), (bits) => String.fromCodePoint(0x2800 + bits)).join(
        '',
      );
      text += isBlank ? ' '.repeat(to - from) : drawn[first]!.paint(part);
    }
    return text;
  };
  const labelAt = new Map(labels.map((label, i) => [Math.round((1 - i / marks) * (rows - 1)), label]));
  const names = drawn.map(
    ({ name, points }) => [name, `${name} ${points.at(-1)?.[1].toFixed(3) ?? ''}`.trimEnd()] as const,
  );
  const pointed = pointer ? [{ text: `▲ ${pointer.name}`, length: pointer.name.length + 2 }] : [];
  const longest = names.reduce((sum, [, text]) => sum + text.length + 5, margin - 1);
  const hasRoom = longest + (pointer ? pointer.name.length + 4 : 0) <= width;
  const keys = drawn.map(({ line, paint }, i) => {
    const name = names[i]![hasRoom ? 1 : 0];
    return { text: `${paint(lines[line][0])} ${name}`, length: name.length + 3 };
  });
  // Of a narrow plot the last names are left out.
  let room = width - margin + 1;
  const legend = [...keys, ...pointed].flatMap(({ text, length }) => {
    room -= length + 2;
    return room >= 0 ? [text] : [];
  });
  const every = Math.ceil((end * 6) / columns);
  const [axis, numbers] = [Array<string>(columns).fill('─'), ''.padEnd(columns + 2).split('')];
  for (let x = every; x <= end; x += every) {
    const at = Math.round((x / end) * (columns - 1));
    axis[at] = '┴';
    const text = mark(x);
    for (const [i, digit] of [...text].entries()) numbers[at + 1 - (text.length >> 1) + i] = digit;
  }
  if (pointer) axis[Math.round((pointer.x / end) * (columns - 1))] = '▲';
  return [
    `${' '.repeat(margin + 1)}${legend.join('  ')}`,
    ...Array.from({ length: rows }, (_, row) => {
      const label = labelAt.get(row);
      return `${(label ?? '').padStart(margin)} ${label === undefined ? '│' : '┤'}${rowText(row)}`.trimEnd();
    }),
    `${' '.repeat(margin)} └${axis.join('')}`,
    `${unit.padStart(margin)} ${numbers.join('').trimEnd()}`,
  ];
}

/** Marks at 1, 2 or 5 times a power of ten, at most `most` steps from below the least value to above the greatest. */
function scaleOf(values: readonly number[], most: number): { low: number; step: number; marks: number } {
  const [least, greatest] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 1];
  for (let power = 10 ** Math.floor(Math.log10(greatest - least || Math.abs(greatest) || 1) - 1); ; power *= 10) {
    for (const step of [power, 2 * power, 5 * power]) {
      const low = Math.floor(least / step + 1e-9);
      const marks = Math.max(1, Math.ceil(greatest / step - 1e-9) - low);
      if (marks <= Math.max(2, most)) return { low: low * step, step, marks };
    }
  }
}
