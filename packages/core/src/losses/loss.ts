// What a loss is.

import type { Tensor } from '../tensor.js';

/** A scalar from predictions [batch, …] and labels: the mean over the batch. */
export type Loss = (prediction: Tensor, labels: Tensor) => Tensor;
