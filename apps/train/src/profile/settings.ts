// What `profile` is asked for: its own flags, and those of `train` that decide what a step computes.

import { text, toggle, wholeNumber } from '@bn/command-line';
import type { KnobName } from '../config/knobs.js';
import { checkedFlag, fileToWrite } from '../config/own-flags.js';
import type { Flags } from '../config/read-values.js';
import { type RunConfig, readSettings } from '../config/settings.js';

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

export const defaultSteps = 20;
/** Steps before those that count: engines compile what runs often, memory is asked for. */
export const warmUpSteps = 10;

/** @throws UsageError for values that are none */
export async function readProfileSettings(
  flags: Flags,
  io: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<ProfileSettings> {
  const { steps, html, json, ...shared } = flags;
  const { config } = await readSettings(shared, io);
  return {
    config,
    steps: steps === undefined ? defaultSteps : checkedFlag(wholeNumber(1), 'steps', steps),
    html: html === undefined ? null : fileToWrite(checkedFlag(text('<file>'), 'html', html), io.cwd),
    json: json === undefined ? false : checkedFlag(toggle, 'json', json),
  };
}
