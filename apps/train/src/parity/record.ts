// What a comparison of backends finds.

import type { Observed } from '@bn/core';
import { difference, tolerances } from './difference.js';

/** How far one tensor of one step is from the reference's. */
export interface Difference extends Observed {
  readonly step: number;
  /** Relative; infinite for NaN. */
  readonly difference: number;
}

export interface BackendRecord {
  /** As the user named it. */
  readonly label: string;
  /** What computed, e.g. `cpu (2 threads)`. */
  readonly device: string;
  readonly engine?: string;
  /** Of all tensors of all steps, each step from the reference's state; within a step in the order of the network. */
  readonly differences: readonly Difference[];
  /** Of its own training, step by step; NaN from the step on in which it diverges. */
  readonly losses: readonly number[];
}

export interface ParityRecord {
  readonly model: string;
  readonly data: string;
  readonly batchSize: number;
  readonly steps: number;
  /** Losses of the reference, step by step. */
  readonly losses: readonly number[];
  readonly backends: readonly BackendRecord[];
}

/** What one reading says of a backend. */
interface Reading<Found> {
  readonly largest: Found;
  /** The first beyond the tolerance; null if all is within. */
  readonly departure: Found | null;
}

export interface Verdict {
  readonly stepwise: Reading<Difference>;
  readonly freeRunning: Reading<{ readonly step: number; readonly difference: number }>;
  readonly agrees: boolean;
}

export function judge({ differences, losses }: BackendRecord, expected: readonly number[]): Verdict {
  const lossDifferences = expected.map((loss, i) => ({ step: i + 1, difference: difference([losses[i]!], [loss]) }));
  const stepwise = read(inOrderOfComputation(differences), tolerances.stepwise);
  const freeRunning = read(lossDifferences, tolerances.freeRunning);
  return { stepwise, freeRunning, agrees: !stepwise.departure && !freeRunning.departure };
}

function read<Found extends { readonly difference: number }>(all: readonly Found[], tolerance: number): Reading<Found> {
  return { largest: largestOf(all), departure: all.find((found) => found.difference > tolerance) ?? null };
}

export function largestOf<Found extends { readonly difference: number }>(all: readonly Found[]): Found {
  return all.reduce((worst, found) => (found.difference > worst.difference ? found : worst));
}

/** Layers in the order of the network; the empty path is what is computed outside all layers. */
export function layersOf({ differences }: Pick<BackendRecord, 'differences'>): string[] {
  return [...new Set(differences.map(({ layer }) => layer))];
}

/**
 * Forward through the layers, each with its statistics; then the loss; backward through the layers; then what the optimizer
 * makes. What is first beyond the tolerance is where the mistake is: all after it is computed from it.
 */
function inOrderOfComputation(differences: readonly Difference[]): Difference[] {
  const order = layersOf({ differences });
  const phases = { activation: 0, state: 0, loss: 1, gradient: 2, parameter: 3, slot: 3 };
  const key = ({ step, kind, layer }: Difference) => {
    const place = kind === 'gradient' ? -order.indexOf(layer) : order.indexOf(layer);
    return [step, phases[kind], place];
  };
  return differences.toSorted((a, b) => {
    const [one, other] = [key(a), key(b)];
    const apart = one.map((n, i) => n - other[i]!);
    return apart.find((n) => n !== 0) ?? 0;
  });
}
