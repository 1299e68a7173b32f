// Puts an epoch's event and its evaluation together into one line.

import type { EpochEvent, Metrics, TrainerEvent, ValidationEvent } from '@bn/core';
import type { EpochRecord } from '../run-record.js';
import { formatMetrics, formatRate } from './format.js';

/** What a line tells of an epoch, from events or from a record. */
type EpochFigures = Pick<EpochRecord, 'epoch' | 'loss' | 'metrics' | 'examplesPerSecond' | 'seconds' | 'waited'> & {
  readonly test?: Metrics;
  readonly validation?: Metrics;
};

/**
 * An epoch ends with one event, or with more if there is validation or test data: hands each epoch on once it is known
 * which. `flush` hands on one that still waits.
 */
export function collectEpochs(onEpoch: (epoch: EpochFigures, epochs: number) => void): {
  event(event: TrainerEvent): void;
  flush(): void;
} {
  let waiting: EpochEvent | undefined;
  let validation: ValidationEvent | undefined;
  const hand = (test: Metrics | null) => {
    if (!waiting) return;
    const epoch = waiting;
    waiting = undefined;
    onEpoch({ ...epoch, ...(validation && { validation }), ...(test && { test }) }, epoch.epochs);
    validation = undefined;
  };
  return {
    event(event) {
      if (event.type === 'validation') validation = event;
      else if (event.type === 'evaluation') hand(event);
      else if (event.type !== 'warning') hand(null);
      if (event.type === 'epoch') waiting = event;
    },
    flush: () => hand(null),
  };
}

/**
 * `epoch  3/10  loss 0.412  train acc 0.849  test acc 0.832  17,043 examples/s  3.5 s`, and how much of that was waiting for
 * data where it is a twentieth or more; the last figures are left out
 * where `width` columns do not hold them.
 */
export function epochLine(epoch: EpochFigures, epochs: number, width = Number.POSITIVE_INFINITY): string {
  const total = String(epochs);
  let line = `epoch ${String(epoch.epoch).padStart(total.length)}/${total}  ${formatMetrics(epoch, '  ')}`;
  const waiting = (epoch.waited ?? 0) / epoch.seconds;
  const parts = [formatRate(epoch.examplesPerSecond), `${epoch.seconds.toFixed(1)} s`];
  if (waiting >= 0.05) parts.push(`${Math.round(100 * waiting)}% of it waiting for data`);
  for (const part of parts) {
    if (line.length + 2 + part.length > width) break;
    line += `  ${part}`;
  }
  return line;
}
