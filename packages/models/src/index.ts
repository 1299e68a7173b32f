// The public names of @bn/models.

export { type AlexnetOptions, alexnet } from './alexnet.js';
export { type BatchNormFromScratchOptions, batchNormFromScratch } from './batch-norm-from-scratch.js';
export { type DensenetOptions, densenet, densenet121 } from './densenet.js';
export { type EfficientnetOptions, efficientnet } from './efficientnet.js';
export { type GooglenetOptions, googlenet } from './googlenet.js';
export { lenet } from './lenet.js';
export { type MobilenetV2Options, mobilenetV2 } from './mobilenet-v2.js';
export { type MobilenetV3Options, mobilenetV3Large, mobilenetV3Small } from './mobilenet-v3.js';
export type { NetworkOptions, Normalization, SmallImageOptions } from './network.js';
export { normalizedNetworks, plainNetworks } from './networks.js';
export { type NinOptions, nin } from './nin.js';
export { type ResnetOptions, resnet, resnet10, resnet18, resnet20, resnet34, resnet50 } from './resnet.js';
export { type ShufflenetV2Options, shufflenetV2 } from './shufflenet-v2.js';
export { type VggOptions, vgg, vgg11, vgg16 } from './vgg.js';
