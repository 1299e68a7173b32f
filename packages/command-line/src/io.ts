// What a program gets from outside: replaced as a whole in tests.

/** Where a program writes: `process.stdout`, or in a test anything with a `write`. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  /** Of Node's terminal streams; heeds NO_COLOR and FORCE_COLOR. */
  hasColors?(): boolean;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

export interface Io {
  /** The user's working folder, which paths are relative to. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Aborted by Ctrl-C, or when nobody reads standard output any more. */
  readonly signal: AbortSignal;
}
