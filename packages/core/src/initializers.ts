// First values of parameters and states.

import type { Generator } from './random.js';
import { sizeOf } from './spec.js';

/** Fills a new float32 parameter. */
export type Initializer = (shape: readonly number[], random: Generator) => Float32Array;

export function zeros(): Initializer {
  return constant(0);
}

export function ones(): Initializer {
  return constant(1);
}

export function constant(value: number): Initializer {
  return (shape) => new Float32Array(sizeOf(shape)).fill(value);
}

/** Uniform in ±√(6 / (fanIn + fanOut)): the textbook's default (Glorot and Bengio, 2010). */
export function xavierUniform(): Initializer {
  return (shape, random) => {
    const [fanIn, fanOut] = fans(shape);
    const limit = Math.sqrt(6 / (fanIn + fanOut));
    return Float32Array.from({ length: sizeOf(shape) }, () => (2 * random.uniform() - 1) * limit);
  };
}

/** Normal with mean 0 and variance 2 / fanIn: for ReLU networks (He et al., 2015). */
export function heNormal(): Initializer {
  return (shape, random) => {
    const deviation = Math.sqrt(2 / fans(shape)[0]);
    return Float32Array.from({ length: sizeOf(shape) }, () => random.normal() * deviation);
  };
}

/** Values that one output reads, and values that read one input: weights are [out, in, ...window]. */
function fans(shape: readonly number[]): [number, number] {
  const [out = 1, inputs = 1, ...window] = shape;
  return [inputs * sizeOf(window), out * sizeOf(window)];
}
