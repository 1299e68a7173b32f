// The networks that come with the program, and what normalizes in them.

import { type BatchNormOptions, batchNorm, type Layer } from '@bn/core';
import { batchNormFromScratch, type Normalization, normalizedNetworks, plainNetworks } from '@bn/models';
import type { RunConfig } from '../config/settings.js';

export type BuiltInConfig = Pick<RunConfig, 'model' | 'bnConvention' | 'bnMomentum' | 'bnEpsilon'>;

const networks = { ...plainNetworks, ...normalizedNetworks };
/** The textbook's two ways to normalize LeNet. */
const textbook = ['lenet-bn', 'lenet-bn-scratch'];

export const builtInNames: readonly string[] = [...textbook, ...Object.keys(networks)];

/** Whether a built-in network has batch normalization, as a layer or from scratch. */
export function hasBatchNorm(model: string): boolean {
  return textbook.includes(model) || Object.hasOwn(normalizedNetworks, model);
}

/** Makes the network for so many classes; null if there is none of this name. */
export function builtIn(config: BuiltInConfig): ((classes: number) => Layer) | null {
  const { model } = config;
  if (!builtInNames.includes(model)) return null;
  const build = textbook.includes(model) ? plainNetworks.lenet! : networks[model]!;
  const normalization = hasBatchNorm(model) ? { normalization: normalizationOf(config) } : {};
  return (classes) => build({ ...normalization, classes });
}

function normalizationOf({ model, bnConvention, bnMomentum, bnEpsilon }: BuiltInConfig): Normalization {
  const given: BatchNormOptions = {
    ...(bnMomentum !== null && { momentum: bnMomentum }),
    ...(bnEpsilon !== null && { epsilon: bnEpsilon }),
  };
  if (model === 'lenet-bn-scratch') return () => batchNormFromScratch(given as { momentum?: number });
  // What is the network's own is meant in its own convention.
  return (own) => batchNorm(bnConvention === null ? { ...own, ...given } : { convention: bnConvention, ...given });
}
