// How far a run is, and how long it will still take.

import type { OutputStream } from '@bn/command-line';
import type { EpochTotals, StepEvent } from '@bn/core';
import type { Colors } from 'picocolors/types.js';
import { formatDuration, formatMetrics, formatRate } from './format.js';

export interface Progress extends Pick<StepEvent, 'epoch' | 'step' | 'stepsPerEpoch'> {
  readonly epochs: number;
  readonly soFar: EpochTotals;
  /** Seconds to the end of the run, evaluations included; null until there is something to judge by. */
  readonly secondsLeft: number | null;
}

/** Tells a person at a terminal how many files are read. */
export function loadingProgress(stream: OutputStream): (done: number, total: number) => void {
  return (done, total) => {
    if (stream.isTTY) stream.write(`\rreading ${done} of ${total} files${done < total ? '' : '\n'}`);
  };
}

/** Judges by the time since its first step: a resumed run starts amid the epochs. */
export function trackProgress(epochs: number): (event: StepEvent) => Progress {
  let first: { time: number; position: number } | undefined;
  return ({ epoch, step, stepsPerEpoch, epochSoFar: soFar }) => {
    const now = performance.now();
    // Epochs done, with the present one's part.
    const position = epoch - 1 + step / stepsPerEpoch;
    first ??= { time: now, position };
    const done = position - first.position;
    const secondsLeft = done > 0 ? ((now - first.time) / 1000 / done) * (epochs - position) : null;
    return { epoch, epochs, step, stepsPerEpoch, soFar, secondsLeft };
  };
}

/** Two lines: `epoch  3/10 ━━━━━━──── 142/235  28 s left`, and beneath it loss, accuracy and speed so far. */
export function progressLines(progress: Progress, width: number, colours: Colors): [string, string] {
  const { epoch, epochs, step, stepsPerEpoch, soFar, secondsLeft } = progress;
  const total = String(epochs);
  const head = `epoch ${String(epoch).padStart(total.length)}/${total} `;
  const steps = ` ${String(step).padStart(String(stepsPerEpoch).length)}/${stepsPerEpoch}`;
  // After the last step come the evaluation, the recalibration and the report.
  const done = epoch === epochs && step === stepsPerEpoch;
  const left = done ? '  finishing …' : secondsLeft === null ? '' : `  ${formatDuration(secondsLeft)} left`;
  // Room for the longest `left`, lest the bar change its length with the time.
  const room = Math.min(60, width - head.length - steps.length - '  59 min 59 s left'.length);
  const filled = Math.round((step / stepsPerEpoch) * room);
  const bar = room < 4 ? '' : colours.cyan('━'.repeat(filled)) + colours.dim('─'.repeat(room - filled));
  const figures = formatMetrics(soFar, '  ');
  const withRate = `${figures}  ${formatRate(soFar.examplesPerSecond)}`;
  return [head + bar + steps + left, withRate.length <= width ? withRate : figures];
}
