// The fully connected layer.

import { type Initializer, xavierUniform, zeros } from '../initializers.js';
import { add } from '../ops/elementwise.js';
import { matmul } from '../ops/matmul.js';
import { requireCount, requireOptions } from '../options.js';
import { defineLayer, type Layer } from '../scope.js';
import { formatShape } from '../spec.js';
import { shapeError } from '../tensor.js';

export interface DenseOptions {
  /** Default true. A bias before batch normalization has no effect: leave it out there. */
  bias?: boolean | undefined;
  /** Default Xavier uniform. */
  weightInitializer?: Initializer | undefined;
  /** Default zeros. */
  biasInitializer?: Initializer | undefined;
}

/**
 * x · weightᵀ + bias, from [batch, features] to [batch, units]. Parameters: `weight` [units, features], `bias` [units].
 *
 * @throws `shape` if the input is not [batch, features]; put flatten() before.
 */
export function dense(units: number, options: DenseOptions = {}): Layer {
  requireOptions('dense', options, 'bias weightInitializer biasInitializer');
  const { bias = true, weightInitializer = xavierUniform(), biasInitializer = zeros() } = options;
  requireCount('units', units);
  return defineLayer((x, scope) => {
    const features = x.shape[1];
    if (x.shape.length !== 2 || features == null) {
      throw shapeError('dense', `expected [batch, features], got ${formatShape(x.shape)}; put flatten() before`);
    }
    const weight = scope.parameter('weight', [units, features], weightInitializer);
    const y = matmul(x, weight, { transposeB: true });
    return bias ? add(y, scope.parameter('bias', [units], biasInitializer)) : y;
  });
}
