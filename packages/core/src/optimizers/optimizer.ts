// What an optimizer is: a pure transform, traced into the step's graph.

import { BnError } from '../errors.js';
import type { Tensor } from '../tensor.js';

/** What an update may use besides parameter and gradient. */
export interface UpdateContext {
  /** Scalar, fed at every step. */
  readonly learningRate: Tensor;
  /** Scalar float32: the number of this step, from 1. */
  readonly step: Tensor;
  /** The parameter's slots, of the parameter's shape. */
  readonly slots: Readonly<Record<string, Tensor>>;
}

export interface Update {
  readonly parameter: Tensor;
  readonly slots: Readonly<Record<string, Tensor>>;
}

export interface Optimizer {
  /** Names of the tensors kept per parameter, e.g. a velocity; each has the parameter's shape and starts at zero. */
  readonly slots: readonly string[];
  update(parameter: Tensor, gradient: Tensor, context: UpdateContext): Update;
}

/** Throws `argument` unless min ≤ value < below. */
export function requireRange(name: string, value: number, min: number, below = Number.POSITIVE_INFINITY): void {
  if (value >= min && value < below) return;
  const upper = below === Number.POSITIVE_INFINITY ? '' : ` and below ${below}`;
  throw new BnError('argument', `${name} must be at least ${min}${upper}, got ${value}`);
}
