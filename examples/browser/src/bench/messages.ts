// What the page and the worker say to each other, and the result.

export interface ToWorker {
  /** When the navigation to the page began, in milliseconds since 1970. */
  readonly navigation: number;
  readonly seed: number;
  readonly threads?: number | undefined;
  /** Trains on so many images only, and tests on so many. */
  readonly limit?: number | undefined;
}

/** Test accuracy after a fixed number of steps. Seconds count from navigation. */
export interface Evaluated {
  readonly steps: number;
  readonly seconds: number;
  readonly accuracy: number;
}

export interface Result {
  /** ISO 8601. */
  readonly date: string;
  /** The browser's own words: `navigator.userAgent`. */
  readonly engine: string;
  readonly cores: number;
  readonly threads: number;
  /** `relaxed SIMD` or `SIMD`. */
  readonly simd: string;
  readonly crossOriginIsolated: boolean;
  /** Why there is one thread only. */
  readonly reason?: string;
  readonly recipe: string;
  readonly seed: number;
  readonly trainingImages: number;
  /** Bytes of data that came over the network; 0 from the browser's cache. */
  readonly downloadedBytes: number;
  /** Images trained on per second of training, without evaluation; the median over epochs. */
  readonly examplesPerSecond: number;
  /** From navigation; null if it was not reached. */
  readonly secondsTo85: number | null;
  readonly secondsTo90: number | null;
  readonly secondsToData: number;
  readonly secondsToFirstStep: number;
  readonly evaluations: readonly Evaluated[];
}

export type ToPage =
  | { readonly type: 'status'; readonly text: string }
  | { readonly type: 'device'; readonly threads: number; readonly reason?: string | undefined }
  | { readonly type: 'evaluated'; readonly evaluated: Evaluated; readonly examplesPerSecond: number }
  | { readonly type: 'finished'; readonly result: Result }
  | { readonly type: 'failed'; readonly message: string };
