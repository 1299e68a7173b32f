// The server's log: a line of JSON for each event.

import type { OutputStream } from '@bn/command-line';
import { type Logger, pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export function createLog(level: LogLevel, stream: OutputStream): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, stream);
}

/** Levels by name instead of number. */
const formatters = { level: (level: string) => ({ level }) };
