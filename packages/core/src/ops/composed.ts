// Compositions of primitives that need no kernel, no gradient and no export rule of their own.

import { formatShape, type Shape } from '../spec.js';
import { argumentError, type CustomGradient, scalar, Tensor } from '../tensor.js';
import { add, cast, equal, erf, mul, sub, tanh } from './elementwise.js';
import { mean, type ReductionOptions } from './reduction.js';
import { broadcastTo, iota, reshape } from './shape.js';

/** x². */
export function square(x: Tensor): Tensor {
  return mul(x, x);
}

/** The population variance along `axes`: the mean of squared differences from the mean, in two passes. */
export function variance(x: Tensor, axes?: readonly number[], { keepDims = false }: ReductionOptions = {}): Tensor {
  return mean(square(sub(x, mean(x, axes, { keepDims: true }))), axes, { keepDims });
}

/** 1 where the index equals the class, else 0: int32 [...] → float32 [..., classes]. */
export function oneHot(indices: Tensor, classes: number): Tensor {
  const classAxis = indices.shape.length;
  const counting = iota([...indices.shape.map(() => 1), classes], classAxis);
  return cast(equal(reshape(indices, [...indices.shape, 1]), counting), 'float32');
}

/** A float32 tensor of one value. */
export function fill(shape: Shape, value: number): Tensor {
  return broadcastTo(scalar(value), shape);
}

/** x·Φ(x) with the exact normal distribution function Φ, as PyTorch's default (Hendrycks and Gimpel, 2016). */
export function gelu(x: Tensor): Tensor {
  return mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
}

/** The tanh approximation of `gelu`, as in GPT-2. */
export function geluTanh(x: Tensor): Tensor {
  const inner = mul(add(x, mul(mul(square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
}

/**
 * The value of `forward(...inputs)`, with a gradient given by hand: `backward(dy, y)` returns one gradient per input,
 * of its shape, or null.
 */
export function customGradient(
  inputs: readonly Tensor[],
  forward: (...inputs: Tensor[]) => Tensor,
  backward: (dy: Tensor, y: Tensor) => readonly (Tensor | null)[],
): Tensor {
  const y = forward(...inputs);
  if (y.op === 'input' || y.op === 'constant') {
    const seen = `${formatShape(y.shape)} ${y.op} itself`;
    throw argumentError('customGradient', `forward must compute something, got ${seen}`);
  }
  return withGradient(y, { inputs, backward });
}

/** x, through which no gradient flows. */
export function stopGradient(x: Tensor): Tensor {
  return withGradient(x, { inputs: [], backward: () => [] });
}

// A second node with the same inputs: graphs merge it with the first, after gradients have been taken.
function withGradient(y: Tensor, gradient: CustomGradient): Tensor {
  return new Tensor(y.op, y.inputs, y.attributes, y, { origin: y.origin, customGradient: gradient });
}
