// The knobs of the server.

import type { OpenModelOptions } from '../model/open-model.js';
import type { LogLevel } from './log.js';

export interface ServeSettings {
  /** The model files. */
  readonly files: readonly string[];
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly apiKey: string | null;
  readonly workers: number;
  /** Examples. */
  readonly maxBatch: number;
  /** Milliseconds. */
  readonly maxDelay: number;
  /** Requests per model. */
  readonly maxQueue: number;
  /** Megabytes. */
  readonly maxBody: number;
  /** Seconds. */
  readonly timeout: number;
  readonly logLevel: LogLevel;
  readonly backend: OpenModelOptions;
}
