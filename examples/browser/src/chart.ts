// A chart of curves that grow, in the page's colours.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface ChartOptions {
  readonly names: readonly string[];
  /** How values are written. */
  readonly format: (value: number) => string;
  /** Shown as points too: curves of few values. */
  readonly points?: boolean;
  /** Highest value, if it is known. */
  readonly highest?: number;
}

const height = 220;

export class Chart {
  readonly #figure: HTMLElement;
  readonly #box = document.createElement('div');
  readonly #options: ChartOptions;
  readonly #caption: string;
  #data: [x: number[], ...curves: number[][]];
  #plot: uPlot;
  #changed = false;

  constructor(id: string, options: ChartOptions) {
    this.#figure = document.getElementById(id)!;
    this.#options = options;
    this.#caption = this.#figure.textContent!.trim();
    this.#box.setAttribute('role', 'img');
    this.#figure.append(this.#box);
    this.#data = this.#empty();
    this.#plot = this.#make();
    this.#describe();
    new ResizeObserver(() => this.#plot.setSize({ width: this.#box.clientWidth, height })).observe(this.#box);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot.destroy();
      this.#plot = this.#make();
    });
  }

  /** Adds a value to every curve. */
  add(x: number, values: readonly number[]): void {
    this.#data[0].push(x);
    values.forEach((value, i) => {
      this.#data[i + 1].push(value);
    });
    this.#changed = true;
  }

  clear(): void {
    this.#data = this.#empty();
    this.#changed = true;
  }

  /** Shows what has been added. */
  draw(): void {
    if (!this.#changed) return;
    this.#changed = false;
    this.#plot.setData(this.#data);
    this.#describe();
  }

  #empty(): [number[], ...number[][]] {
    return [[], ...this.#options.names.map(() => [])];
  }

  #make(): uPlot {
    const style = getComputedStyle(this.#figure);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const { names, format, points = false, highest } = this.#options;
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    return new uPlot(
      {
        width: this.#box.clientWidth,
        height,
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: false }, y: { range: (_, low, high) => rangeOf(low, high, highest) } },
        axes: [
          { ...axis, label: 'epochs', labelSize: 20, size: 28 },
          { ...axis, size: 48, values: (_, ticks) => ticks.map((tick) => format(tick)) },
        ],
        series: [
          { label: 'epochs', value: (_, x) => write(x ?? this.#data[0].at(-1), (value) => value.toFixed(2)) },
          ...names.map((label, i) => ({
            label,
            stroke: colour(`--series-${i + 1}`),
            width: points ? 2 : 1.5,
            points: { show: points, size: 7, fill: colour('--card') },
            // Under the pointer, else the last.
            value: (_: uPlot, y: number | null) => write(y ?? this.#data[i + 1].at(-1), format),
          })),
        ],
      },
      this.#data,
      this.#box,
    );
  }

  /** The last values in words, for those who do not see the curves. */
  #describe(): void {
    const { names, format } = this.#options;
    const last = names.map((name, i) => `${name} ${write(this.#data[i + 1].at(-1), format)}`);
    this.#box.setAttribute('aria-label', `${this.#caption}: ${last.join(', ')}`);
  }
}

function write(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '–' : format(value);
}

/** A little room around the values; also where there are none, or all are equal. */
function rangeOf(low: number | null, high: number | null, highest: number | undefined): [number, number] {
  const [from, to] = [low ?? 0, high ?? 1];
  const room = Math.max((to - from) * 0.08, 0.02);
  return [from - room, highest === undefined ? to + room : Math.min(to + room, highest)];
}
