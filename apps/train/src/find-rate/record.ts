// Losses by learning rate, and the rate that they suggest.

/** After a step at a rate. */
export interface RatePoint {
  readonly rate: number;
  /** Of the step's batch, before the step. */
  readonly loss: number;
  /** The mean of the losses around it, those near counting most. */
  readonly smoothed: number;
}

export interface RateRecord {
  readonly model: string;
  readonly data: string;
  readonly backend: string;
  readonly batchSize: number;
  /** With rising rates, up to the step at which the loss diverged, if it did. */
  readonly points: readonly RatePoint[];
  /** Null where the loss falls at no rate. */
  readonly suggestion: Suggestion | null;
}

/** Rates in two digits. */
export interface Suggestion {
  /** Where the loss falls most steeply: learns, and does not diverge when the training is longer. */
  readonly steepest: number;
  /** Where the loss is lowest: as much as a training stands, or more. */
  readonly lowest: number;
}

/** Rates that are tried. */
export const [first, last] = [1e-6, 100];

/** The rates of as many steps, each as many times the one before (Smith, 2017, section 3.3). */
export function ratesOf(steps: number): number[] {
  return Array.from({ length: steps }, (_, i) => first * (last / first) ** (i / (steps - 1)));
}

/** Decades of rates within which losses are averaged. */
const smoothing = 0.25;

/** Gaussian weights: no lag, as an exponential average has. */
export function smooth(rates: readonly number[], losses: readonly number[]): number[] {
  return rates.map((rate) => {
    const weights = rates.map((other) => Math.exp(-0.5 * (Math.log10(other / rate) / smoothing) ** 2));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return losses.reduce((sum, loss, i) => sum + loss * weights[i]!, 0) / total;
  });
}

/**
 * By the smoothed loss over the logarithm of the rate: its steepest descent before its lowest point, and that. Null if the loss falls by
 * less than a fiftieth of what it is at first.
 */
export function suggestRate(points: readonly RatePoint[]): Suggestion | null {
  const losses = points.map(({ smoothed }) => smoothed);
  const bottom = losses.indexOf(Math.min(...losses));
  if (!(losses[bottom]! < 0.98 * losses[0]!)) return null;
  const slopes = losses.slice(0, bottom).map((loss, i) => losses[i + 1]! - loss);
  const steepest = slopes.indexOf(Math.min(...slopes));
  const [one, other] = [steepest, bottom].map((i) => Number(points[i]!.rate.toPrecision(2)));
  return { steepest: one!, lowest: other! };
}
