// What a loss is, and what none takes.

import { BnError } from '../errors.js';
import type { OperationName, Tensor } from '../tensor.js';

/** A scalar from predictions [batch, …] and labels: the mean over the batch. */
export type Loss = (prediction: Tensor, labels: Tensor) => Tensor;

/** @throws `argument` if a network ends in what its loss brings itself: it would learn, slowly, through both */
export function requireLogits(loss: string, { op, origin }: Tensor, own: OperationName): void {
  if (op !== own) return;
  const where = origin.layer === '' ? 'the network' : `the layer '${origin.layer}'`;
  const problem = `${where} gives the ${own} of its logits, which the loss takes itself`;
  throw new BnError('argument', `${loss}: ${problem}; leave it out`);
}
