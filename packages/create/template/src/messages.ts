// What the page and the worker say to each other.

/** Images uint8 `[3, side, side]` one after another, and the class of each. */
export interface Examples {
  readonly classNames: readonly string[];
  readonly pixels: Uint8Array;
  readonly labels: Int32Array;
}

export type ToWorker =
  | ({ readonly type: 'train' } & Examples)
  | { readonly type: 'classify'; readonly pixels: Uint8Array }
  | { readonly type: 'export' };

export interface Ranked {
  readonly class: string;
  readonly probability: number;
}

export type FromWorker =
  | { readonly type: 'progress'; readonly share: number; readonly loss: number; readonly accuracy: number }
  | { readonly type: 'trained' }
  | { readonly type: 'classes'; readonly classes: readonly Ranked[] }
  | { readonly type: 'model'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'failed'; readonly message: string };
