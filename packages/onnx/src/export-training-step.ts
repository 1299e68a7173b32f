// The whole training step as an ONNX model: any runtime for inference then trains.

import { type Model, type Objective, type Optimizer, type Spec, trainingStepGraph } from '@bn/core';
import { toOnnx } from './to-onnx.js';

export interface TrainingStepExport {
  readonly objective: Objective;
  readonly optimizer: Optimizer;
  /** Of one batch, with its size as a number: e.g. uint8 [256, 1, 28, 28]. */
  readonly features: Spec;
  /** Of one batch: e.g. int32 [256]. */
  readonly labels: Spec;
  /** Texts for the model's `metadata_props`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/**
 * The bytes of an ONNX model that does one step of training: forward, backward, optimizer, running statistics.
 *
 * Inputs: `features`, `labels`, `learningRate` [], `step` [] (from 1; only where the optimizer counts), uniform random
 * numbers `random.0` … (where there is dropout), and each parameter, running statistic and optimizer slot by its path.
 * Outputs: `loss` [], `sum:accuracy` [] and so on for each metric (the sum over the batch), and for each of those paths `<path>.next`, the value to
 * be fed to the next step. Inputs that have no `.next` stay as they are.
 */
export function exportTrainingStep(
  model: Model,
  { objective, optimizer, features, labels, metadata = {} }: TrainingStepExport,
): Uint8Array {
  return toOnnx(trainingStepGraph(model, objective, optimizer, { features, labels }), { metadata });
}
