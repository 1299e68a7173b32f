// What the `setup` of a backend package takes.

export interface SetupOptions {
  /** With CUDA (default false). */
  readonly cuda?: boolean | undefined;
  /** Deletes what an earlier setup installed, instead. */
  readonly remove?: boolean | undefined;
  /** Only says what would be done. */
  readonly dryRun?: boolean | undefined;
  /** Gets each line that is worth telling. */
  readonly say?: ((line: string) => void) | undefined;
  /** Gets how far the download of a file is. */
  readonly progress?: ((progress: Progress) => void) | undefined;
  /** Aborts; a later setup resumes. */
  readonly signal?: Signal | undefined;
}

/** `AbortSignal`, where the compiler knows it: these types need neither `@types/node` nor those of browsers. */
type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } } ? S : { readonly aborted: boolean };

export interface Progress {
  readonly file: string;
  /** In bytes. */
  readonly received: number;
  /** In bytes. */
  readonly total: number;
}

/** Installs what a backend needs beyond its npm packages. */
export type Setup = (options?: SetupOptions) => Promise<void>;
