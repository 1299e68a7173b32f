// What a child process of `parity` can be asked.

import type { RunConfig } from '../config/settings.js';
import type { Difference } from './record.js';
import type { BackendChoice } from './settings.js';

export interface Setup {
  /** Null: the reference in float64, which the others are compared with. */
  readonly backend: BackendChoice | null;
  readonly config: RunConfig;
  readonly workingFolder: string;
  /** Where the reference leaves the states and observations of steps, see exchange.ts. */
  readonly exchange: string;
}

/** Argument and answer of each task. Steps count from 1. */
export interface Tasks {
  /** Loads everything; comes first. */
  open(setup: Setup): { data: string; device: string; engine?: string };
  /** The reference's: computes a step, leaves state and observations in the exchange, and goes to the next step. */
  observe(step: number): { loss: number };
  /** Computes a step from the reference's state. */
  compare(step: number): readonly Difference[];
  /** Trains so many steps from the start on its own; the losses. */
  train(steps: number): readonly number[];
}
