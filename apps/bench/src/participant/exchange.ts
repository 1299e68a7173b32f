// What the program that measures and a participant say to each other, a line of JSON each.

import type { Network } from '../networks.js';

/** What a participant is started with, as its last argument. */
export interface Settings extends Network {
  /** Folder of Fashion-MNIST's four files. */
  readonly data: string;
  readonly batchSize: number;
  readonly threads: number;
  readonly seed: number;
  /** A backend of ours, or a peer's way of computing. */
  readonly variant: string;
}

/** What it says when its first training step is done, or when it is ready if it cannot train. */
export interface Introduction {
  readonly name: string;
  readonly version: string;
  /** E.g. `Node 24.21.0`. */
  readonly runtime: string;
  /** Why it cannot train, or predict with, this network; absent where it can do both. */
  readonly cannot?: { readonly train?: string; readonly predict?: string };
}

export type Request =
  /** One epoch of training. */
  | { readonly do: 'train' }
  /** One training step after the other on one batch for so long, each to the loss on the host; a third more before is not counted. */
  | { readonly do: 'step'; readonly seconds: number }
  /** Predictions of one batch of test images for so long, each to the classes on the host; a third more before is not counted. */
  | { readonly do: 'predict'; readonly batch: number; readonly seconds: number }
  /** What it took of the machine, and what the processor can do at most. */
  | { readonly do: 'limits' }
  | { readonly do: 'end' };

export interface Trained {
  readonly seconds: number;
  readonly examples: number;
  /** Mean over the epoch. */
  readonly loss: number;
  /** Of all its threads. */
  readonly cpuSeconds: number;
}

export interface Repeated {
  /** Of each step or prediction. */
  readonly seconds: readonly number[];
  readonly cpuSeconds: number;
}

export interface Limits {
  /** The most memory that was resident so far; null where the system does not tell. */
  readonly peakBytes: number | null;
  /** Multiplications and additions a second, measured with the instructions that the participant computes with; null if unknown. */
  readonly peak: number | null;
  /** Of the products and convolutions in a training step, as compiled, per example; null if unknown. */
  readonly operations: number | null;
}
