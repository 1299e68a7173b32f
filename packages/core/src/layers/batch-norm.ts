// The batch normalization layer (Ioffe and Szegedy, 2015; d2l 0.17, §7.5).

import { BnError } from '../errors.js';
import { type Initializer, ones, zeros } from '../initializers.js';
import { customGradient, fill, square, stopGradient } from '../ops/composed.js';
import { add, div, mul, sqrt, sub } from '../ops/elementwise.js';
import { batchNormalize } from '../ops/fused.js';
import { max, mean, normalizeAxes, sum } from '../ops/reduction.js';
import { reshape, slice } from '../ops/shape.js';
import { requireOptions } from '../options.js';
import { defineLayer, type Layer, type Scope } from '../scope.js';
import { formatShape, type Shape, sizeOf, staticShape } from '../spec.js';
import { constant, shapeError, site, type Tensor } from '../tensor.js';

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

export interface BatchNormOptions {
  /** Default `d2l`. */
  convention?: BatchNormConvention | undefined;
  /** Weight in the moving average, 0 to 1; `null` for the cumulative average of all batches. Default: the convention's. */
  momentum?: number | null | undefined;
  /** Added to the variance. Default: the convention's. */
  epsilon?: number | undefined;
  /** The channel axis. Default 1: [batch, features] and [batch, channels, height, width]. */
  axis?: number | undefined;
  /** Whether gamma is there and trained. Default true. */
  scale?: boolean | undefined;
  /** Whether beta is there and trained. Default true. */
  center?: boolean | undefined;
  /** False: no running statistics; prediction, too, normalizes with the statistics of its batch, also once exported. Default true. */
  trackRunningStatistics?: boolean | undefined;
  /** True: training, too, normalizes with the running statistics and leaves them as they are. Default false. */
  frozen?: boolean | undefined;
  gammaInitializer?: Initializer | undefined;
  betaInitializer?: Initializer | undefined;
  runningMeanInitializer?: Initializer | undefined;
  runningVarianceInitializer?: Initializer | undefined;
}

/**
 * Batch normalization: y = gamma · (x − mean) / √(variance + epsilon) + beta, per channel.
 *
 * In training, mean and (population) variance are the batch's, over all axes but the channel axis, and the running
 * statistics follow them; in prediction the running statistics are used. Parameters `gamma` and `beta`, states
 * `runningMean` and `runningVariance`, all [channels] (and `batches` [] when momentum is null).
 *
 * | convention  | momentum weighs | default | epsilon | running variance |
 * |---|---|---|---|---|
 * | d2l, onnx   | the old value   | 0.9     | 1e-5    | population (N)   |
 * | torch       | the new value   | 0.1     | 1e-5    | unbiased (N − 1) |
 * | keras       | the old value   | 0.99    | 1e-3    | population (N)   |
 *
 * @throws `shape` if in training there is only one value per channel: its variance would be zero and y = beta.
 */
export function batchNorm(options: BatchNormOptions = {}): Layer {
  requireOptions(
    'batchNorm',
    options,
    'convention momentum epsilon axis scale center trackRunningStatistics frozen gammaInitializer betaInitializer runningMeanInitializer runningVarianceInitializer',
  );
  const rules = rulesOf(options);
  return defineLayer((x, scope) => {
    if (x.shape.length < 2) {
      throw shapeError('batchNorm', `expected at least two axes [batch, channels, …], got ${formatShape(x.shape)}`);
    }
    const axis = normalizeAxes('batchNorm', x, [options.axis ?? 1])[0]!;
    const channels = staticShape([x.shape[axis]!], site('batchNorm'))[0]!;
    const { scale = true, center = true, trackRunningStatistics = true, frozen = false } = options;
    const gamma = scale
      ? scope.parameter('gamma', [channels], options.gammaInitializer ?? ones())
      : fill([channels], 1);
    const beta = center ? scope.parameter('beta', [channels], options.betaInitializer ?? zeros()) : fill([channels], 0);
    const running = trackRunningStatistics ? runningStatistics(scope, channels, options) : null;

    if (running && (frozen || !scope.training)) {
      return batchNormalize(x, running.mean, running.variance, gamma, beta, { axis, epsilon: rules.epsilon });
    }
    const statistics = batchStatistics(x, axis);
    if (running && scope.training) follow(scope, running, statistics, rules);
    return normalizeBatch(x, gamma, beta, statistics, { axis, epsilon: rules.epsilon });
  });
}

interface Rules extends Omit<Convention, 'momentum'> {
  readonly momentum: number | null;
}

function rulesOf({ convention = 'd2l', momentum, epsilon }: BatchNormOptions): Rules {
  const defaults = batchNormConventions[convention];
  if (!defaults) {
    const names = Object.keys(batchNormConventions).join(', ');
    throw new BnError('argument', `batchNorm: unknown convention '${convention}'; use one of ${names}`);
  }
  if (momentum != null && !(momentum >= 0 && momentum <= 1)) {
    const expected = 'from 0 to 1, or null for the cumulative average';
    throw new BnError('argument', `batchNorm: momentum must be ${expected}, got ${momentum}`);
  }
  if (epsilon !== undefined && !(epsilon >= 0 && epsilon < Infinity)) {
    throw new BnError('argument', `batchNorm: epsilon must be 0 or more, got ${epsilon}`);
  }
  return {
    ...defaults,
    momentum: momentum === undefined ? defaults.momentum : momentum,
    epsilon: epsilon ?? defaults.epsilon,
  };
}

/** All with the reduced axes kept as size 1, but for `shifted`. */
interface BatchStatistics {
  readonly axes: readonly number[];
  /** Sizes of the axes that are reduced. */
  readonly sizes: Shape;
  readonly mean: Tensor;
  /** x − pivot, where the pivot is a value of the channel. */
  readonly shifted: Tensor;
  /** The mean of `shifted`. */
  readonly shift: Tensor;
  /** Of the population. */
  readonly variance: Tensor;
}

/**
 * Mean and population variance over all axes but `axis`, in two passes: E[x²] − E[x]² would lose all digits for large means.
 *
 * The mean is a value of the channel, the pivot, plus the mean of x − pivot. That difference is exact where the mean is
 * large beside the deviation, and zero in a constant channel, in whatever order a runtime sums: y is exactly beta there,
 * and a far mean costs no digits.
 */
function batchStatistics(x: Tensor, axis: number): BatchStatistics {
  const axes = x.shape.flatMap((_, i) => (i === axis ? [] : [i]));
  const sizes = axes.map((i) => x.shape[i]!);
  if (sizes.every((n) => n === 1)) {
    const seen = `one value per channel in training, input ${formatShape(x.shape)}`;
    throw shapeError('batchNorm', `${seen}: its variance is zero; use a batch of two or more, or frozen: true`);
  }
  const meanOf = (values: Tensor) => mean(values, axes, { keepDims: true });
  const pivot = stopGradient(anyAlong(axes, x)); // results do not depend on which it is
  const shifted = sub(x, pivot);
  const shift = meanOf(shifted);
  // Not x − mean: that lies on a grid where x does, and its squares are rounded to one side by float32 sums.
  const variance = meanOf(square(sub(shifted, shift)));
  return { axes, sizes, mean: add(pivot, shift), shifted, shift, variance };
}

/** An element along these axes, which stay as size 1: the first; of a batch of any size, the largest of the first ones. */
function anyAlong(axes: readonly number[], x: Tensor): Tensor {
  const open = axes.filter((axis) => x.shape[axis] === null);
  const start = x.shape.map(() => 0);
  const end = x.shape.map((n, i) => (axes.includes(i) && n !== null ? 1 : n));
  const first = slice(x, start, end);
  return open.length > 0 ? max(first, open, { keepDims: true }) : first;
}

/**
 * batchNormalize with the batch's own statistics, and the gradient derived by hand: two reductions, one pass over x.
 *
 * The shift is taken out of sums and products rather than of each value, which costs no digits: a value of the channel lies
 * as far from the mean as outputs do at most.
 */
function normalizeBatch(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  { shifted, shift, variance, axes, sizes }: BatchStatistics,
  attributes: { axis: number; epsilon: number },
): Tensor {
  const channels = gamma.shape as readonly number[];
  const s = div(1, sqrt(add(variance, attributes.epsilon)));
  const scale = mul(reshape(gamma, s.shape), s);
  const forward = () => {
    const zero = constant(new Array<number>(sizeOf(channels)).fill(0), channels);
    const offset = sub(beta, reshape(mul(shift, scale), channels));
    return batchNormalize(shifted, zero, reshape(variance, channels), gamma, offset, attributes);
  };
  // With x̂ = (x − mean)·s and s = 1/√(variance + epsilon):
  //   dbeta = Σ dy,  dgamma = Σ dy·x̂,  dx = gamma·s·(dy − dbeta/count − x̂·dgamma/count)
  const backward = (dy: Tensor) => {
    const perValue = 1 / sizeOf(sizes);
    const dbeta = sum(dy, axes, { keepDims: true });
    const dgamma = mul(sub(sum(mul(dy, shifted), axes, { keepDims: true }), mul(shift, dbeta)), s);
    const slope = mul(mul(dgamma, s), perValue);
    const shared = add(mul(shifted, slope), sub(mul(dbeta, perValue), mul(shift, slope)));
    return [mul(sub(dy, shared), scale), reshape(dgamma, channels), reshape(dbeta, channels)];
  };
  return customGradient([x, gamma, beta], forward, backward);
}

interface RunningStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
  /** Batches seen, for the cumulative average. */
  readonly batches: Tensor | null;
}

function runningStatistics(scope: Scope, channels: number, options: BatchNormOptions): RunningStatistics {
  return {
    mean: scope.state('runningMean', [channels], options.runningMeanInitializer ?? zeros()),
    variance: scope.state('runningVariance', [channels], options.runningVarianceInitializer ?? ones()),
    batches: options.momentum === null ? scope.state('batches', [], zeros()) : null,
  };
}

/** Moves the running statistics towards those of the batch. */
function follow(scope: Scope, running: RunningStatistics, batch: BatchStatistics, rules: Rules): void {
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
