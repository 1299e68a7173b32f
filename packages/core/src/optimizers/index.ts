// The optimizers.

export { type AdamOptions, adam, adamW } from './adam.js';
export type { Optimizer, Update, UpdateContext } from './optimizer.js';
export { type RmspropOptions, rmsprop } from './rmsprop.js';
export { type SgdOptions, sgd } from './sgd.js';
