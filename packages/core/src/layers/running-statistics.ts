// What layers that normalize by the batch keep for prediction: averages of the batches' means and variances.

import { BnError } from '../errors.js';
import { type Initializer, ones, zeros } from '../initializers.js';
import { add, div, mul, sub } from '../ops/elementwise.js';
import { reshape } from '../ops/shape.js';
import type { Scope } from '../scope.js';
import { sizeOf, staticShape } from '../spec.js';
import { site, type Tensor } from '../tensor.js';
import type { Moments } from './moments.js';

/** Whose meaning of `momentum`, defaults and running variance to follow. */
export type BatchNormConvention = 'd2l' | 'onnx' | 'torch' | 'keras';

interface Convention {
  readonly momentum: number;
  readonly epsilon: number;
  readonly momentumWeighs: 'old' | 'new';
  readonly runningVariance: 'population' | 'unbiased';
}

/** What frameworks mean by the same words; the table in the documentation of `batchNorm` says it to people. */
export const batchNormConventions: Readonly<Record<BatchNormConvention, Convention>> = {
  d2l: { momentum: 0.9, epsilon: 1e-5, momentumWeighs: 'old', runningVariance: 'population' },
  onnx: { momentum: 0.9, epsilon: 1e-5, momentumWeighs: 'old', runningVariance: 'population' },
  torch: { momentum: 0.1, epsilon: 1e-5, momentumWeighs: 'new', runningVariance: 'unbiased' },
  keras: { momentum: 0.99, epsilon: 1e-3, momentumWeighs: 'old', runningVariance: 'population' },
};

export interface RunningOptions {
  /** Default `d2l`. */
  convention?: BatchNormConvention | undefined;
  /** Weight in the moving average, 0 to 1; `null` for the cumulative average of all batches. Default: the convention's. */
  momentum?: number | null | undefined;
  /** Added to the variance. Default: the convention's. */
  epsilon?: number | undefined;
  runningMeanInitializer?: Initializer | undefined;
  runningVarianceInitializer?: Initializer | undefined;
}

export const runningNames = 'convention momentum epsilon runningMeanInitializer runningVarianceInitializer';

export interface Rules extends Omit<Convention, 'momentum'> {
  readonly momentum: number | null;
}

export function rulesOf(layer: string, { convention = 'd2l', momentum, epsilon }: RunningOptions): Rules {
  const defaults = batchNormConventions[convention];
  if (!defaults) {
    const names = Object.keys(batchNormConventions).join(', ');
    throw new BnError('argument', `${layer}: unknown convention '${convention}'; use one of ${names}`);
  }
  if (momentum != null && !(momentum >= 0 && momentum <= 1)) {
    const expected = 'from 0 to 1, or null for the cumulative average';
    throw new BnError('argument', `${layer}: momentum must be ${expected}, got ${momentum}`);
  }
  if (epsilon !== undefined && !(epsilon >= 0 && epsilon < Infinity)) {
    throw new BnError('argument', `${layer}: epsilon must be 0 or more, got ${epsilon}`);
  }
  return {
    ...defaults,
    momentum: momentum === undefined ? defaults.momentum : momentum,
    epsilon: epsilon ?? defaults.epsilon,
  };
}

export interface RunningStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
  /** Batches seen, for the cumulative average. */
  readonly batches: Tensor | null;
}

export function runningStatistics(scope: Scope, channels: number, options: RunningOptions): RunningStatistics {
  return {
    mean: scope.state('runningMean', [channels], options.runningMeanInitializer ?? zeros()),
    variance: scope.state('runningVariance', [channels], options.runningVarianceInitializer ?? ones()),
    batches: options.momentum === null ? scope.state('batches', [], zeros()) : null,
  };
}

/** Moves the running statistics towards those of the batch. */
export function follow(
  scope: Scope,
  running: RunningStatistics,
  batch: Pick<Moments, 'mean' | 'variance' | 'sizes'>,
  rules: Rules,
): void {
  const count = sizeOf(staticShape(batch.sizes, site('batchNorm')));
  const correction = rules.runningVariance === 'unbiased' ? count / (count - 1) : 1;
  const batchMean = reshape(batch.mean, running.mean.shape);
  const batchVariance = mul(reshape(batch.variance, running.variance.shape), correction);
  const followed = { around: 'runningMean', ...(rules.runningVariance === 'unbiased' && { unbiasedOf: count }) };
  const batches = running.batches && add(running.batches, 1);
  if (batches) scope.update('batches', batches);
  const keep = rules.momentumWeighs === 'old' ? rules.momentum! : 1 - rules.momentum!;
  if (!batches && keep === 1) return; // they never move
  const average = (old: Tensor, latest: Tensor) =>
    batches ? add(old, div(sub(latest, old), batches)) : add(mul(old, keep), mul(latest, 1 - keep));
  scope.update('runningMean', average(running.mean, batchMean));
  scope.update('runningVariance', average(running.variance, batchVariance), followed);
}
