// The networks that come with the program, and what normalizes in them.

import {
  type BatchNormOptions,
  BnError,
  batchNorm,
  batchRenorm,
  defineModel,
  filterResponseNorm,
  ghostBatchNorm,
  groupNorm,
  input,
  instanceNorm,
  type Layer,
  layerNorm,
  trace,
} from '@bn/core';
import { batchNormFromScratch, type Normalization, normalizedNetworks, plainNetworks } from '@bn/models';
import type { RunConfig } from '../config/settings.js';

export type BuiltInConfig = Pick<RunConfig, 'model' | 'norm' | 'bnConvention' | 'bnMomentum' | 'bnEpsilon'>;

const networks = { ...plainNetworks, ...normalizedNetworks };
/** The textbook's two ways to normalize LeNet. */
const textbook = ['lenet-bn', 'lenet-bn-scratch'];

export const builtInNames: readonly string[] = [...textbook, ...Object.keys(networks)];

/** Those that keep running statistics, to which the flags of batch normalization apply. */
const following = { batch: batchNorm, renorm: batchRenorm, ghost: ghostBatchNorm, scratch: batchNormFromScratch };
const others = {
  group: () => groupNorm(),
  layer: () => layerNorm(),
  instance: imagesAlone,
  frn: () => filterResponseNorm(),
};

/** What normalizes in a built-in network; null in one of another kind. */
export function normOf({ model, norm }: Pick<BuiltInConfig, 'model' | 'norm'>) {
  if (!builtInNames.includes(model)) return null;
  if (norm !== null) return norm;
  if (model === 'lenet-bn-scratch') return 'scratch';
  return model === 'lenet-bn' || Object.hasOwn(normalizedNetworks, model) ? 'batch' : 'none';
}

/** Makes the network for so many classes; null if there is none of this name. */
export function builtIn(config: BuiltInConfig): ((classes: number) => Layer) | null {
  const norm = normOf(config);
  if (norm === null) return null;
  const build = textbook.includes(config.model) ? plainNetworks.lenet! : networks[config.model]!;
  const normalization = norm === 'none' ? null : normalizationOf(norm, config);
  return (classes) => withSmallestSize(config.model, build({ classes, normalization }));
}

/** The network; where images are too small for it, it says which are not. */
function withSmallestSize(name: string, network: Layer): Layer {
  return (x, scope) => {
    try {
      return network(x, scope);
    } catch (cause) {
      const [, channels = 0, height = 0, width = 0] = x.shape as readonly number[];
      const own = Math.min(height, width);
      const side = x.shape.length === 4 ? smallestSide(network, channels, own) : null;
      if (side === null || side === own) throw cause;
      const problem = `${name} takes images of at least ${side}×${side}, and these are ${height}×${width}`;
      const cure = `enlarge image files by --image-size ${side}, or give --model resnet10, which takes any size`;
      throw new BnError('shape', `${problem}; ${cure}`, { cause });
    }
  };
}

const largestSide = 256;

/** Of square images that go through the network in training, at least `from`; null if none do. */
function smallestSide(network: Layer, channels: number, from: number): number | null {
  for (let side = from; side <= largestSide; side++) {
    const shape = [channels, side, side];
    try {
      const model = defineModel(network, { input: { shape: [null, ...shape], dtype: 'float32' } });
      trace(model, input('features', [2, ...shape]), { training: true });
      return side;
    } catch {}
  }
  return null;
}

type Norm = Exclude<NonNullable<ReturnType<typeof normOf>>, 'none'>;

function normalizationOf(norm: Norm, { bnConvention, bnMomentum, bnEpsilon }: BuiltInConfig): Normalization {
  if (isOther(norm)) return others[norm];
  const given: Pick<BatchNormOptions, 'momentum' | 'epsilon'> = {
    ...(bnMomentum !== null && { momentum: bnMomentum }),
    ...(bnEpsilon !== null && { epsilon: bnEpsilon }),
  };
  if (norm === 'scratch') return () => batchNormFromScratch(given as { momentum?: number });
  // What is the network's own is meant in its own convention.
  return (own) =>
    following[norm](bnConvention === null ? { ...own, ...given } : { convention: bnConvention, ...given });
}

function isOther(norm: Norm): norm is keyof typeof others {
  return Object.hasOwn(others, norm);
}

/** Dense layers have one value for each channel, which is no instance to normalize: there it does nothing. */
function imagesAlone(): Layer {
  const layer = instanceNorm();
  return (x, scope) => (x.shape.length > 2 ? layer(x, scope) : x);
}
