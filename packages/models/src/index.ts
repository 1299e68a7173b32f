// The public names of @bn/models.

export { type BatchNormFromScratchOptions, batchNormFromScratch } from './batch-norm-from-scratch.js';
export { lenet } from './lenet.js';
export type { NetworkOptions, Normalization, SmallImageOptions } from './network.js';
export { normalizedNetworks, plainNetworks } from './networks.js';
export { type ResnetOptions, resnet, resnet10, resnet18, resnet20, resnet34, resnet50 } from './resnet.js';
