// Augmentations: pictures that differ a little each time they are seen.

export { type ColorJitterOptions, colorJitter } from './color-jitter.js';
export { type CutmixOptions, cutmix } from './cutmix.js';
export { type MixupOptions, mixup } from './mixup.js';
export { type RandomAffineOptions, randomAffine } from './random-affine.js';
export { type RandomErasingOptions, randomErasing } from './random-erasing.js';
