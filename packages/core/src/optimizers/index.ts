// The optimizers.

export { type AdamOptions, adam, adamW } from './adam.js';
export { chain } from './chain.js';
export { clip } from './clip.js';
export {
  type Learned,
  type Optimizer,
  perParameter,
  type Update,
  type UpdateContext,
  type WeightDecay,
} from './optimizer.js';
export { type RmspropOptions, rmsprop } from './rmsprop.js';
export { type SgdOptions, sgd } from './sgd.js';
