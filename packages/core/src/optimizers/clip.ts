// Clipping of gradients by their global norm (Pascanu, Mikolov and Bengio, 2013).

import { BnError } from '../errors.js';
import { add, div, maximum, mul, sqrt } from '../ops/elementwise.js';
import { sum } from '../ops/reduction.js';
import { type Tensor, withOrigin } from '../tensor.js';
import type { Optimizer } from './optimizer.js';

/**
 * Scales all gradients by one factor, so that the norm of all of them together, as one vector, is at most `norm`:
 * PyTorch's `clip_grad_norm_`. It stands before an optimizer, as in `chain(clip(1), sgd())`.
 */
export function clip(norm: number): Optimizer {
  if (!(norm > 0 && norm < Infinity)) throw new BnError('argument', `clip: the norm must be above 0, got ${norm}`);
  return {
    slots: [],
    update: (parameters) =>
      withOrigin({ layer: '', direction: 'update' }, () => {
        const squares = parameters.map(({ gradient }) => sum(mul(gradient, gradient)));
        if (squares.length === 0) return [];
        const total = add(sqrt(squares.reduce((all, one): Tensor => add(all, one))), 1e-6);
        const factor = div(norm, maximum(total, norm));
        return parameters.map(({ gradient }) => ({ change: mul(gradient, factor), slots: {} }));
      }),
  };
}
