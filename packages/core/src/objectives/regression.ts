// Numbers.

import type { Loss } from '../losses/loss.js';
import { meanSquaredError } from '../losses/mean-squared-error.js';
import { absoluteError } from '../metrics/absolute-error.js';
import { requireOptions } from '../options.js';
import { type Objective, requireValues } from './objective.js';

/** Values [batch, values] against targets of the same shape, float32; default loss `meanSquaredError()`, also `huber()`. */
export function regression(options: { loss?: Loss | undefined } = {}): Objective {
  requireOptions('regression', options, 'loss');
  const { loss = meanSquaredError() } = options;
  return {
    task: 'regress',
    loss,
    metrics: { absoluteError: absoluteError() },
    answer: (values) => values,
    gives: { kind: 'values', of: (values) => values },
    requireFits: (output, labels) => requireValues('regression', output, labels),
  };
}
