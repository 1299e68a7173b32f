// What a comparison prints: text for people, or a line of JSON per event.

import { type OutputStream, printable } from '@bn/command-line';
import { createLogUpdate } from 'log-update';
import { defaultDisplayMode } from '../display/display.js';
import { stepsText } from '../display/format.js';
import { tolerances } from './difference.js';
import { formatDifference, outcomeText } from './outcome-text.js';
import { type Difference, judge, largestOf, type ParityRecord } from './record.js';

interface ParityStart extends Omit<ParityRecord, 'losses' | 'backends'> {
  readonly backends: readonly { readonly label: string; readonly device: string; readonly engine?: string }[];
}

interface ParityStep {
  readonly step: number;
  /** The reference's. */
  readonly loss: number;
  readonly backends: readonly { readonly label: string; readonly differences: readonly Difference[] }[];
}

export interface ParityDisplay {
  warning(message: string): void;
  start(run: ParityStart): void;
  step(step: ParityStep): void;
  finish(record: ParityRecord): void;
  /** Gives the terminal back; may be called more than once. */
  close(): void;
}

export function parityDisplay(stream: OutputStream, json: boolean): ParityDisplay {
  return json ? jsonDisplay(stream) : textDisplay(stream);
}

function textDisplay(stream: OutputStream): ParityDisplay {
  const frame =
    defaultDisplayMode(stream) === 'terminal' ? createLogUpdate(stream as NodeJS.WritableStream) : undefined;
  // Not by the frame's own `persist`, which cuts what is higher than the terminal.
  const print = (text: string) => {
    frame?.clear();
    stream.write(`${printable(text)}\n`);
  };
  let steps = 0;
  return {
    warning: (message) => print(`warning: ${message}`),
    start(run) {
      steps = run.steps;
      print(`${run.model} on ${run.data}: ${stepsText(run.steps, run.batchSize)}`);
      print(`against the reference in float64: ${run.backends.map(({ label }) => label).join(', ')}`);
      frame?.('the first step …');
    },
    step({ step, loss, backends }) {
      const figures = backends.map(({ label, differences }) => {
        const { difference } = largestOf(differences);
        return `  ${label} ${formatDifference(difference, tolerances.stepwise)}`;
      });
      const line = `step ${step}/${steps}  loss ${loss.toFixed(3)}${figures.join('')}`;
      if (frame) frame(line);
      else print(line);
    },
    finish(record) {
      print(`\n${outcomeText(record)}`);
    },
    close: () => frame?.done(),
  };
}

/** JSON has no infinity: a difference of null stands for NaN or infinity in a backend's result. */
function jsonDisplay(stream: OutputStream): ParityDisplay {
  const print = (type: string, event: object) => stream.write(`${JSON.stringify({ type, ...event })}\n`);
  return {
    warning: (message) => print('warning', { message }),
    start: (run) => print('start', { ...run, tolerances }),
    step: (step) => print('step', step),
    finish({ losses, backends }) {
      const judged = backends.map(({ differences: _, ...backend }, i) => ({
        ...backend,
        ...judge(backends[i]!, losses),
      }));
      print('finish', { agrees: judged.every(({ agrees }) => agrees), losses, backends: judged });
    },
    close: () => {},
  };
}
