// What shows a run while it trains. A display listens to the trainer's events and is the only thing that prints.

import type { OutputStream } from '@bn/command-line';
import type { TrainerEvent } from '@bn/core';
import type { BatchNormValues, EpochRecord, RunDescription, RunSummary } from '../run-record.js';

/** `terminal` redraws in place, `plain` writes a line per epoch, `json` a line per event. */
export type DisplayMode = 'terminal' | 'plain' | 'json';

export interface RunStart {
  readonly description: RunDescription;
  /** Epochs of the whole run. */
  readonly epochs: number;
  /** The figure of the validation data by which the best epoch is kept; null if the last one is. */
  readonly keptBy: string | null;
  /** The epochs that are done already when a run is resumed, else empty. */
  readonly history: readonly EpochRecord[];
}

export interface RunOutcome {
  readonly summary: RunSummary;
  /** The first batch normalization layer, whose parameters the textbook prints; null in a network without. */
  readonly firstBatchNorm: (BatchNormValues & { readonly path: string }) | null;
  /** Where the run is recorded; null if it is not. */
  readonly folder: string | null;
}

export interface Display {
  start(run: RunStart): void;
  event(event: TrainerEvent): void;
  /** A notice, e.g. which device was chosen and why. May come before `start`. */
  message(text: string): void;
  finish(outcome: RunOutcome): void;
  /** Gives the terminal back, also after a failure or a stop; what was shown stays. May be called more than once. */
  close(): void;
}

/** The display for a person at a terminal, else the one for a pipe. Some pseudo-terminals are 0 columns wide. */
export function defaultDisplayMode({ isTTY, columns }: OutputStream): DisplayMode {
  const inPlace = isTTY && columns !== 0 && process.env.TERM !== 'dumb' && !process.env.CI;
  return inPlace ? 'terminal' : 'plain';
}

/** Loads only the display that is asked for. */
export async function createDisplay(mode: DisplayMode, stream: OutputStream = process.stdout): Promise<Display> {
  if (mode === 'terminal') return (await import('./terminal-display.js')).terminalDisplay(stream);
  if (mode === 'plain') return (await import('./plain-display.js')).plainDisplay(stream);
  return (await import('./json-display.js')).jsonDisplay(stream);
}
