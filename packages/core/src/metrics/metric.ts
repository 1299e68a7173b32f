// What a metric is.

import type { Tensor } from '../tensor.js';

/**
 * A scalar from the network's output [batch, …] and the labels: the SUM over the batch's examples, so that sums of batches
 * add up to the sum of an epoch. The metric itself is that sum by the number of examples.
 */
export type Metric = (output: Tensor, labels: Tensor) => Tensor;
