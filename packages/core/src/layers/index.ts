// The layers: factories that return a function of a tensor and a scope.

export { gelu, hardSigmoid, hardSwish, relu, relu6, sigmoid, silu, softmax, tanh } from './activations.js';
export type { AffineOptions } from './affine.js';
export { type BatchNormOptions, batchNorm } from './batch-norm.js';
export { type BatchRenormOptions, batchRenorm } from './batch-renorm.js';
export { type Conv2dOptions, conv2d } from './conv2d.js';
export { type DenseOptions, dense } from './dense.js';
export { dropout, stochasticDepth } from './dropout.js';
export { type FilterResponseNormOptions, filterResponseNorm } from './filter-response-norm.js';
export { flatten } from './flatten.js';
export { type GhostBatchNormOptions, ghostBatchNorm } from './ghost-batch-norm.js';
export { type ExampleNormOptions, type GroupNormOptions, groupNorm } from './group-norm.js';
export { instanceNorm } from './instance-norm.js';
export { layerNorm } from './layer-norm.js';
export { type AvgPool2dOptions, avgPool2d, globalAveragePool2d, maxPool2d, type Pool2dOptions } from './pooling.js';
export { residual } from './residual.js';
export { type BatchNormConvention, batchNormConventions, type RunningOptions } from './running-statistics.js';
export { sequential } from './sequential.js';
export type { Padding2d, Size2d } from './window.js';
