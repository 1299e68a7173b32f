// What the epochs of a participant amount to.

import { median } from '@bn/command-line';
import { disturbed, type Epoch } from './measure.js';

export interface Summary {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  /** Epochs in which other programs took more than a tenth of the machine, also when repeated; they do not count unless all are. */
  readonly disturbed: number;
}

/** Training speed over epochs, in examples/s. */
export function summarize(epochs: readonly Epoch[]): Summary {
  const quiet = epochs.filter(({ foreignLoad }) => foreignLoad <= disturbed);
  const counted = (quiet.length > 0 ? quiet : epochs).map(({ examplesPerSecond }) => examplesPerSecond);
  return {
    median: median(counted),
    lowest: Math.min(...counted),
    highest: Math.max(...counted),
    disturbed: epochs.length - quiet.length,
  };
}
