// What the program gets from outside: replaced as a whole in tests.

import type { OutputStream } from './display/index.js';

export interface Io {
  /** The user's working folder, which paths are relative to. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Aborted by Ctrl-C, or when nobody reads standard output any more. */
  readonly signal: AbortSignal;
}
