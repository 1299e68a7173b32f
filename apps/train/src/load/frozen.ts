// Which parameters and states a run trains, and in which epochs.

import { UsageError } from '@bn/command-line';
import { headOf, input, type Model, type TrainerOptions, trace } from '@bn/core';
import type { RunConfig } from '../config/settings.js';

export interface Frozen {
  readonly trainable: NonNullable<TrainerOptions['trainable']>;
  /** For people: how much is trained. */
  readonly text: string;
}

/**
 * What `--freeze` names, for the epochs before `--unfreeze-after`; null where all is trained.
 *
 * @throws UsageError for a pattern that names nothing, and where nothing would be trained; BnError `unsupported` for `backbone` in a
 * network without a head
 */
export function frozenOf(
  model: Model,
  { freeze, unfreezeAfter, bnImported, epochs }: Pick<RunConfig, 'freeze' | 'unfreezeAfter' | 'bnImported' | 'epochs'>,
): Frozen | null {
  if (freeze === null) return null;
  const { parameters, states } = trace(model, input('features', [2, ...model.input.shape.slice(1)], model.input.dtype));
  const paths = [...parameters.keys(), ...states.keys()];
  const named = freeze.split(',').map((pattern) => pathsOf(pattern.trim(), model, paths));
  const isFrozen = (path: string) => named.some((names) => names.has(path));
  const trained = [...parameters].filter(([path]) => !isFrozen(path));
  if (trained.length === 0) throw new UsageError(`--freeze ${freeze}: nothing is left to be trained; freeze less`);
  const count = (of: typeof trained) => of.reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const [some, all] = [count(trained), count([...parameters])].map((n) => n.toLocaleString('en'));
  return {
    // Statistics stay as they are, also once the rest is trained.
    trainable: (path, epoch) =>
      !isFrozen(path) ||
      (states.has(path) ? bnImported === 'trained' : unfreezeAfter !== null && epoch >= unfreezeAfter),
    text: `training ${some} of ${all} parameters${untilText(unfreezeAfter, epochs)}`,
  };
}

function untilText(unfreezeAfter: number | null, epochs: number): string {
  if (unfreezeAfter === null) return '';
  if (unfreezeAfter >= epochs) return `; --unfreeze-after ${unfreezeAfter} is not before the last epoch, ${epochs}`;
  return ` for ${unfreezeAfter} epoch${unfreezeAfter === 1 ? '' : 's'}, then all at a tenth of the learning rate`;
}

/** What to know of the statistics that batch normalization is trained with. */
export function adviceOnStatistics(
  {
    bnImported,
    freeze,
    model,
    batchSize,
    microBatch,
    syncBn,
  }: Pick<RunConfig, 'bnImported' | 'freeze' | 'model' | 'batchSize' | 'microBatch' | 'syncBn'>,
  examples: number,
): string[] {
  const size = Math.min(syncBn === 'off' ? (microBatch ?? batchSize) : batchSize, examples);
  const applies = bnImported === 'trained' && (freeze !== null || model.endsWith('.onnx'));
  if (!applies || size >= 16) return [];
  const advice = '--bn-imported recalibrated takes them from all training images, frozen keeps those of the file';
  return [`batch normalization is trained with the statistics of ${size} images at a time, which vary much: ${advice}`];
}

/** The paths that a pattern names: `backbone`, a layer with all in it, or with * for anything. */
function pathsOf(pattern: string, model: Model, paths: readonly string[]): ReadonlySet<string> {
  if (pattern === 'backbone') {
    const { weight, bias } = headOf(model);
    return new Set(paths.filter((path) => path !== weight && path !== bias));
  }
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}(\\..*)?$`);
  const found = paths.filter((path) => expression.test(path));
  if (found.length > 0) return new Set(found);
  const layers = [...new Set(paths.map((path) => path.split('.')[0]))].join(', ');
  throw new UsageError(
    `--freeze: '${pattern}' names nothing in the network; its layers are ${layers}; or give backbone`,
  );
}
