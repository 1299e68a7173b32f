// What `profile` is asked for: its own flags, and those of `train` that decide what a step computes.

import { fileToWrite } from '@bn/command-line';
import type { KnobName } from '../config/knobs.js';
import { type Flags, type RunConfig, readSettings } from '../config/settings.js';

export interface ProfileSettings {
  readonly config: RunConfig;
  /** Steps that count. */
  readonly steps: number;
  /** File for the page, absolute. */
  readonly html: string | null;
  readonly json: boolean;
}

/** The flags of `train` that profile takes too. */
export const sharedKnobs: readonly KnobName[] = [
  ...([
    'backend',
    'device',
    'engine',
    'threads',
    'exact',
    'model',
    'data',
    'limit',
    'batchSize',
    'learningRate',
  ] as const),
  ...([
    'optimizer',
    'momentum',
    'weightDecay',
    'bnConvention',
    'bnMomentum',
    'bnEpsilon',
    'bnImported',
    'seed',
  ] as const),
];

/** Steps before those that count: engines compile what runs often, memory is asked for. */
export const warmUpSteps = 10;

/** The flags of `train` that profile takes too, and its own. */
export type ProfileFlags = Flags & { readonly steps: number; readonly html?: string };

/** @throws UsageError for a file without a folder */
export async function readProfileSettings(
  { steps, html, json = false, ...shared }: ProfileFlags,
  io: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<ProfileSettings> {
  const { config } = await readSettings(shared, io);
  return {
    config,
    steps,
    html: html === undefined ? null : fileToWrite('--html', html, io.cwd),
    json,
  };
}
