// How far the work is: in place on a terminal, else now and then a line.

import type { Io } from '@bn/command-line';
import type { ShardFigures } from './do-shards.js';

/** What this call has done. */
export interface BulkFigures {
  readonly images: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Share of the workers' time in which models waited for images to be read and decoded. */
  readonly waitingForDecoding: number;
}

/** Milliseconds between two lines. */
const [onTerminal, elsewhere] = [250, 10_000];

export class Progress {
  readonly #io: Io;
  readonly #json: boolean;
  readonly #total: number;
  readonly #start = performance.now();
  #told = this.#start;
  #done: number;
  #images = 0;
  #busy = 0;
  #waited = 0;

  /** @param done images that an earlier call has done */
  constructor(io: Io, { json, total, done }: { json: boolean; total: number; done: number }) {
    this.#io = io;
    this.#json = json;
    this.#total = total;
    this.#done = done;
  }

  /** @param shard how many images the shard has, whoever did it */
  add({ images, milliseconds, waited }: ShardFigures, shard: number): void {
    this.#done += shard;
    this.#images += images;
    this.#busy += milliseconds;
    this.#waited += waited;
    const { stderr, stdout } = this.#io;
    const now = performance.now();
    if (now - this.#told < (stderr.isTTY ? onTerminal : elsewhere)) return;
    this.#told = now;
    const line = { type: 'progress', done: this.#done, total: this.#total, ...this.figures };
    if (this.#json) stdout.write(`${JSON.stringify(line)}\n`);
    const text = `${counted(this.#done)} of ${counted(this.#total)} images, ${speedOf(this.figures)}`;
    stderr.write(stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
  }

  /** Of the whole work. */
  get done(): number {
    return this.#done;
  }

  get figures(): BulkFigures {
    const seconds = (performance.now() - this.#start) / 1000;
    const waitingForDecoding = this.#busy === 0 ? 0 : this.#waited / this.#busy;
    return { images: this.#images, seconds, imagesPerSecond: this.#images / seconds, waitingForDecoding };
  }

  /** Makes room for other lines. */
  end(): void {
    if (this.#io.stderr.isTTY) this.#io.stderr.write('\r\u001b[K');
  }
}

/** `8,211 images/s, 87% of the time waiting for decoding`. */
export function speedOf({ imagesPerSecond, waitingForDecoding }: BulkFigures): string {
  const share = `${Math.round(100 * waitingForDecoding)}% of the time waiting for decoding`;
  return `${counted(Math.round(imagesPerSecond))} images/s, ${share}`;
}

export function counted(count: number): string {
  return count.toLocaleString('en-US');
}
