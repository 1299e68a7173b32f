// The public names of @bn/core.

export * from './answers.js';
export * from './augment/index.js';
export { deviation, type OperandAxis, type ParallelAxis, parallelAxes, reducedAxes, unsplitAxes } from './axes.js';
export type * from './backend.js';
export { checkFeatures, checkLabels, mostClasses } from './check-examples.js';
export { compileWithChecks } from './check-indices.js';
export { checkInputs, checkUpload } from './check-values.js';
export * from './classes.js';
export type { Party } from './cut/cut-executable.js';
export type { Reduction } from './cut/cut-graph.js';
export { addSubtotal, type PartialResult, type Subtotal, totalOf } from './cut/partial.js';
export { evenParts, type Share, sharesOf } from './cut/shares.js';
export type * from './dataset.js';
export * from './errors.js';
export { gradients } from './gradients.js';
export {
  bindInputs,
  createGraph,
  decomposeFused,
  type Graph,
  operandsFirst,
  printGraph,
  replaceNodes,
} from './graph.js';
export * from './images/index.js';
export {
  constant as constantInitializer,
  heNormal,
  type Initializer,
  ones,
  xavierUniform,
  zeros,
} from './initializers.js';
export * from './layers/index.js';
export * from './losses/index.js';
export * from './measures/index.js';
export * from './metrics/index.js';
export { defineModel, type Model, type Trace, trace } from './model.js';
export { type Head, headOf, newHead } from './new-head.js';
export * from './objectives/index.js';
export type { ConvolutionAttributes, ConvolutionGeometry } from './ops/convolution.js';
export { decomposeNode, type FusedAttributes, type FusedName, fused } from './ops/fused.js';
export * as ops from './ops/index.js';
export type { AveragePoolingGeometry, PoolingAttributes, PoolingGeometry } from './ops/pooling.js';
export type { ReduceAttributes } from './ops/reduction.js';
export * from './optimizers/index.js';
export { requireOptions } from './options.js';
export { type PrimitiveAttributes, type PrimitiveName, type PrimitiveTable, primitives } from './primitives.js';
export { createGenerator, type Generator, permutation } from './random.js';
export { decodeSafetensors, encodeSafetensors } from './safetensors.js';
export * from './schedules.js';
export { defineLayer, type Layer, type Scope, type Variable } from './scope.js';
export * from './signature.js';
export { simplify } from './simplify/simplify.js';
export * from './spec.js';
export { type StepSpecs, stepSpecs } from './step-specs.js';
export {
  constant,
  type Direction,
  input,
  isOp,
  type OperationAttributes,
  type OperationName,
  type Origin,
  scalar,
  Tensor,
  withOrigin,
} from './tensor.js';
export { fromTorch, type TorchNaming, toTorch } from './torch-names.js';
export { type ApplyInTrainingOptions, applyInTraining } from './training/apply-in-training.js';
export { type Average, ema, swa } from './training/average.js';
export { assembleBatch, type Batch, loadBatch } from './training/batches.js';
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type Position } from './training/checkpoint.js';
export {
  type ClassActivationOptions,
  type ClassActivations,
  classActivations,
} from './training/class-activations.js';
export type {
  BatchOptions,
  FitOptions,
  Trainer,
  TrainerOptions,
} from './training/contract.js';
export type * from './training/events.js';
export { balancedSampling, balancedWeights, epochOrder, type Sampling } from './training/sampling.js';
export { averagePath, type Observed, predictionGraph, trainingStepGraph } from './training/step-graph.js';
export type { Observation, StepResult } from './training/step-runner.js';
export { createTrainer } from './training/trainer.js';
export { type Compiled, ValueBackend } from './value-backend.js';
