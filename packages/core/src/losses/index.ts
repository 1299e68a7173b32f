// The losses.

export type { Loss } from './loss.js';
export { meanSquaredError } from './mean-squared-error.js';
export { softmaxCrossEntropy } from './softmax-cross-entropy.js';
