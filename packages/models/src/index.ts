// The public names of @bn/models.

export { type BatchNormFromScratchOptions, batchNormFromScratch } from './batch-norm-from-scratch.js';
export { type LenetOptions, lenet } from './lenet.js';
