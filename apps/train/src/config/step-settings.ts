// What `parity`, `profile` and `find-rate` are asked for alike: the knobs that decide what a step computes, and how many steps.

import { pageFile } from '../display/write-outcome.js';
import { type Flags, type RunConfig, readSettings, requireShares } from './settings.js';

export interface StepSettings {
  readonly config: RunConfig;
  /** Steps that count. */
  readonly steps: number;
  /** File for the page, absolute. */
  readonly html: string | null;
  readonly json: boolean;
}

/** Knobs of `train` that the command takes too, and its own flags. */
export type StepFlags = Flags & { readonly steps: number; readonly html?: string };

/** @throws UsageError for a file without a folder */
export async function readStepSettings(
  { steps, html, json = false, ...shared }: StepFlags,
  io: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<StepSettings> {
  const { config } = await readSettings(shared, io);
  requireShares(config);
  return { config, steps, html: pageFile(html, io.cwd), json };
}
