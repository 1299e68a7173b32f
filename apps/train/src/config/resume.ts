// What a resumed run keeps of its configuration, and what can be given anew.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { hasExactMode, isPath, UsageError } from '@bn/command-line';
import { runFolder } from '../run/run-folder.js';
import { flagOf, type KnobName, type KnobValues, knobNames, knobs } from './knobs.js';

type Given = Partial<KnobValues>;

/** What was done before there was a knob for it: a run whose config.json lacks it goes on so. */
export const before: Given = { decayAll: true, keep: 'last' };

/**
 * @param named what the message calls the folder
 * @throws UsageError for a folder without a run
 */
export function requireRun(named: string, folder: string): void {
  if (existsSync(runFolder(folder).config)) return;
  throw new UsageError(`${named}: the folder holds no run; give the folder that has the run's config.json`);
}

/** @throws UsageError for a folder without a run, and for flags that would make it another run */
export function requireResumable(run: string, flags: Given, configFile: string | undefined): void {
  requireRun(`--resume ${run}`, run);
  const fixed = (Object.keys(flags) as KnobName[]).filter((name) => !knobs[name].resumable).map(flagOf);
  if (configFile !== undefined) fixed.unshift('--config');
  if (fixed.length === 0) return;
  const free = knobNames.filter((name) => knobs[name].resumable).map(flagOf);
  const problem = `${fixed.join(', ')} cannot change when a run is resumed (only ${free.join(', ')} can)`;
  throw new UsageError(`${problem}; leave ${fixed.length === 1 ? 'it' : 'them'} out, or start a new run`);
}

/**
 * The recorded values beside those that are given anew. A device and an engine were chosen for the backend they stand beside:
 * another one starts without.
 *
 * @throws UsageError for another backend that cannot give the bits that the run was to have, and for parts of another size that are
 *   normalized each by itself
 */
export function valuesToKeep(recorded: Given, flags: Given, environment: Given, cwd: string): Given {
  const microBatch = flags.microBatch ?? environment.microBatch ?? recorded.microBatch;
  if (recorded.syncBn === 'off' && microBatch !== recorded.microBatch) {
    const then = recorded.microBatch === null ? 'without' : `with ${recorded.microBatch}`;
    const problem = `--micro-batch ${microBatch}: the run was made ${then}, and --sync-bn off normalizes each part by itself`;
    throw new UsageError(`${problem}: another size is another training; leave it out, or start a new run`);
  }
  const backend = flags.backend ?? environment.backend;
  if (backend === undefined || absoluteModule(backend, cwd) === recorded.backend) return recorded;
  if (recorded.exact && !hasExactMode(backend)) {
    const given = flags.backend === undefined ? `BN_BACKEND is ${backend}` : `--backend ${backend}`;
    throw new UsageError(
      `${given}: the run was made with --exact, for the same bits on all machines, and only wasm has such a mode; ` +
        'give --backend wasm, or start a new run',
    );
  }
  const { device: _, engine: __, ...kept } = recorded;
  return kept;
}

/** A path to a backend or a network as it is from any folder; a name as it is. */
export function absoluteModule(name: string, cwd: string): string {
  return isPath(name) ? resolve(cwd, name) : name;
}
