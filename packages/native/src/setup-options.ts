// What the `setup` of a backend package takes.

export interface SetupOptions {
  /** With CUDA (default false). */
  readonly cuda?: boolean;
  /** Deletes what an earlier setup installed, instead. */
  readonly remove?: boolean;
  /** Only says what would be done. */
  readonly dryRun?: boolean;
  /** Gets each line that is worth telling. */
  readonly say?: (line: string) => void;
  /** Gets how far the download of a file is. */
  readonly progress?: (progress: Progress) => void;
  /** Aborts; a later setup resumes. */
  readonly signal?: AbortSignal;
}

export interface Progress {
  readonly file: string;
  /** In bytes. */
  readonly received: number;
  /** In bytes. */
  readonly total: number;
}

/** Installs what a backend needs beyond its npm packages. */
export type Setup = (options?: SetupOptions) => Promise<void>;
