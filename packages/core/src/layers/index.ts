// The layers: factories that return a function of a tensor and a scope.

export { gelu, relu, sigmoid, softmax, tanh } from './activations.js';
export { type BatchNormConvention, type BatchNormOptions, batchNorm, batchNormConventions } from './batch-norm.js';
export { type Conv2dOptions, conv2d } from './conv2d.js';
export { type DenseOptions, dense } from './dense.js';
export { dropout } from './dropout.js';
export { flatten } from './flatten.js';
export { type AvgPool2dOptions, avgPool2d, globalAveragePool2d, maxPool2d, type Pool2dOptions } from './pooling.js';
export { residual } from './residual.js';
export { sequential } from './sequential.js';
export type { Padding2d, Size2d } from './window.js';
