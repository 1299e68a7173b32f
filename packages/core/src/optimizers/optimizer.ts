// What an optimizer is: a transform of all gradients, traced into the step's graph.

import { BnError } from '../errors.js';
import { add, mul } from '../ops/elementwise.js';
import { type Tensor, withOrigin } from '../tensor.js';
import { layerOf } from '../training/layer-outputs.js';

/** A parameter in a training step. All tensors are float32 of its shape. */
export interface Learned {
  /** As in checkpoints, e.g. `conv1.weight`. */
  readonly path: string;
  /** Its value before the step. */
  readonly value: Tensor;
  /** The gradient of the loss; within a chain, what the transform before has made of it. */
  readonly gradient: Tensor;
  /** What the optimizer keeps of the parameter, by name. */
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** What is the same for all parameters of a step. */
export interface UpdateContext {
  /** Scalar, fed at every step. */
  readonly learningRate: Tensor;
  /** Scalar float32: the number of this step, from 1. */
  readonly step: Tensor;
}

export interface Update {
  /** What is subtracted from the parameter; within a chain, the gradient that the next transform is given. */
  readonly change: Tensor;
  /** The new values of the parameter's slots. */
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** A transform of gradients. The last one of a chain, or a single one, multiplies by the learning rate. */
export interface Optimizer {
  /** Names of the tensors kept per parameter, e.g. a velocity; each has the parameter's shape and starts at zero. */
  readonly slots: readonly string[];
  /** One update for each parameter, in their order. */
  update(parameters: readonly Learned[], context: UpdateContext): readonly Update[];
}

/** An optimizer that looks at one parameter at a time. */
export function perParameter(
  slots: readonly string[],
  update: (parameter: Learned, context: UpdateContext) => Update,
): Optimizer {
  return {
    slots,
    update: (parameters, context) =>
      parameters.map((one) =>
        withOrigin({ layer: layerOf(one.path), direction: 'update' }, () => update(one, context)),
      ),
  };
}

/** How parameters are pulled towards 0: options of all optimizers. */
export interface WeightDecay {
  /** How much; default 0, with adamW 0.01. */
  weightDecay?: number | undefined;
  /** Also of what is spared by default: vectors, and what is named gamma, beta or bias. */
  decayAll?: boolean | undefined;
}

/**
 * The weight decay that is for a parameter: 0 for gamma, beta and biases, which have few values and set the scale of what the
 * network computes, unless all decay.
 */
export function decayOf({ path, value }: Learned, { weightDecay = 0, decayAll = false }: WeightDecay): number {
  return decayAll || (value.shape.length > 1 && !/(^|\.)(gamma|beta|bias)$/.test(path)) ? weightDecay : 0;
}

/** The gradient with the decay in it: gradient + weightDecay · parameter (L2). */
export function decayedGradient(parameter: Learned, options: WeightDecay): Tensor {
  const { value, gradient } = parameter;
  const decay = decayOf(parameter, options);
  return decay === 0 ? gradient : add(gradient, mul(value, decay));
}

/** Throws `argument` unless min ≤ value < below. */
export function requireRange(name: string, value: number, min: number, below = Number.POSITIVE_INFINITY): void {
  if (value >= min && value < below) return;
  const upper = below === Number.POSITIVE_INFINITY ? '' : ` and below ${below}`;
  throw new BnError('argument', `${name} must be at least ${min}${upper}, got ${value}`);
}
