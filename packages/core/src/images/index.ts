// The images that models take.

export { type ImageInputSignature, imageFeatures } from './features.js';
export { channelsFirst, greyOf, type PixelOptions, pixelsOf, type RgbaImage } from './pixels.js';
export { scalePixels } from './scale-pixels.js';
