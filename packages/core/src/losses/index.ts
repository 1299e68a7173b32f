// The losses.

export { huber } from './huber.js';
export type { Loss } from './loss.js';
export { meanSquaredError } from './mean-squared-error.js';
export { sigmoidCrossEntropy } from './sigmoid-cross-entropy.js';
export { softmaxCrossEntropy } from './softmax-cross-entropy.js';
