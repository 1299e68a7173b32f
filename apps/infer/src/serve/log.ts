// The server's log: a line of JSON for each event.

import type { OutputStream } from '@bn/command-line';
import { type Logger, pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export function createLog(level: LogLevel, stream: OutputStream): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, stream);
}

/** Lines are written together that come in one turn of the event loop: each write is a call of the system. */
export class LineWriter {
  readonly #stream: OutputStream;
  #lines = '';

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  write(line: string): void {
    if (this.#lines === '') setImmediate(() => this.flush());
    this.#lines += line;
  }

  flush(): void {
    if (this.#lines !== '') this.#stream.write(this.#lines);
    this.#lines = '';
  }
}

/** Levels by name instead of number. */
const formatters = { level: (level: string) => ({ level }) };
