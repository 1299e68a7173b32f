// What page and worker say to each other.

import type { Device, TrainerEvent } from '@bn/core';

export type ToWorker =
  /** The first message. By default as many threads as processors, and all images. */
  | { readonly type: 'load'; readonly threads?: number; readonly limit?: number }
  /** Trains on, up to so many epochs in all. */
  | { readonly type: 'train'; readonly epochs: number }
  | { readonly type: 'pause' }
  /** Back to the first values. */
  | { readonly type: 'reset' };

/** A few test images. */
export interface Samples {
  /** Bytes of one image after another, 28 × 28 each. */
  readonly pixels: Uint8Array;
  /** Names of their classes. */
  readonly labels: readonly string[];
}

/** Where the network is, a few times a second. */
export interface Snapshot {
  /** Epochs trained, with the part of the present one. */
  readonly epochs: number;
  /** Of the first batch normalization, one value per channel. */
  readonly gamma: readonly number[];
  readonly beta: readonly number[];
  /** For each sample, the name of the class with the highest probability, and that probability. */
  readonly predictions: readonly { readonly name: string; readonly probability: number }[];
}

export type ToPage =
  | { readonly type: 'ready'; readonly device: Device; readonly samples: Samples; readonly snapshot: Snapshot }
  | { readonly type: 'event'; readonly event: TrainerEvent }
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly message: string };
