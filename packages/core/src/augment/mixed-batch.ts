// What mixup and cutmix share: examples that are partly another of their batch, by a share that is drawn for each batch.

import { BnError } from '../errors.js';
import { cast, maximum, mul, sub } from '../ops/elementwise.js';
import { sum } from '../ops/reduction.js';
import { concat, iota, slice } from '../ops/shape.js';
import { type Scope, variablesIn } from '../scope.js';
import { constant, type Tensor } from '../tensor.js';

/** Each example's other one: the example before it in the batch, which is shuffled; the last for the first. */
export function partners(x: Tensor): Tensor {
  const [batch, ...rest] = x.shape as readonly number[];
  const start = rest.map(() => 0);
  const last = slice(x, [batch! - 1, ...start], [batch!, ...rest]);
  return batch === 1 ? last : concat([last, slice(x, [0, ...start], [batch! - 1, ...rest])], 0);
}

/**
 * Tells the trace that each example is `share` (a scalar) of itself from here on, and the rest its partner: loss and metrics count
 * the labels of both, in these shares.
 *
 * @throws `argument` if a batch is mixed already
 */
export function declareShare(what: string, share: Tensor, scope: Scope): void {
  const variables = variablesIn(scope);
  if (variables.share) throw new BnError('argument', `${what}: the batch is mixed already; mix it once`);
  variables.share = share;
}

/** @throws `argument` unless alpha is a number above 0 */
export function requireAlpha(what: string, alpha: number): void {
  if (alpha > 0 && alpha < Infinity) return;
  throw new BnError('argument', `${what}: alpha must be above 0, got ${alpha}`);
}

/** A number of the distribution Beta(alpha, alpha) for a uniform one: linear between 129 quantiles. */
export function betaOf(uniform: Tensor, alpha: number): Tensor {
  const intervals = 128;
  const table = betaQuantiles(alpha, intervals);
  // Hat functions around each quantile's place, of which two at most are not zero.
  const places = sub(mul(uniform, intervals), cast(iota([intervals + 1], 0), 'float32'));
  const hats = maximum(sub(1, maximum(places, sub(0, places))), 0);
  return sum(mul(hats, constant(table, [intervals + 1])));
}

/**
 * The quantiles at 0, 1/n, … 1. Up to ½, where the others mirror it, the distribution is ∫ x^(α−1)·(1−x)^(α−1) dx; with y = x^α the
 * factor that is infinite at 0 vanishes: ∫ (1 − y^(1/α))^(α−1) dy.
 */
export function betaQuantiles(alpha: number, n: number): number[] {
  const steps = 8192;
  const width = 0.5 ** alpha / steps;
  const totals = [0];
  for (let i = 0; i < steps; i++) {
    totals.push(totals[i]! + (1 - ((i + 0.5) * width) ** (1 / alpha)) ** (alpha - 1));
  }
  const lower = (u: number): number => {
    const wanted = 2 * u * totals[steps]!;
    let i = 0;
    while (i < steps - 1 && totals[i + 1]! < wanted) i++;
    return ((i + (wanted - totals[i]!) / (totals[i + 1]! - totals[i]!)) * width) ** (1 / alpha);
  };
  return Array.from({ length: n + 1 }, (_, k) => (2 * k <= n ? lower(k / n) : 1 - lower(1 - k / n)));
}
