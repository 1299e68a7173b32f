// What shows a sweep while it goes on: a table in place, a line for each result, or lines of JSON.

import { type OutputStream, printable, wrapWords } from '@bn/command-line';
import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import { defaultDisplayMode } from '../display/display.js';
import { aligned, formatDuration } from '../display/format.js';
import type { SweepProgress, TrialProgress } from './progress.js';
import { parametersText } from './sweep-file.js';
import type { Entry } from './sweep-folder.js';

export interface SweepDisplay {
  message(text: string): void;
  entry(entry: Entry): void;
  /** Gives the terminal back. */
  close(): void;
}

const frameInterval = 250;
/** Trials that are shown of those that are not trained at the moment. */
const bestShown = 8;

export function sweepDisplay(progress: SweepProgress, json: boolean, stdout: OutputStream): SweepDisplay {
  if (json) {
    const write = (object: object) => void stdout.write(`${JSON.stringify(object)}\n`);
    return { message: (text) => write({ type: 'message', text }), entry: write, close() {} };
  }
  if (defaultDisplayMode(stdout) === 'plain') {
    const write = (text: string) => void stdout.write(`${printable(text)}\n`);
    return { message: write, entry: (entry) => write(entryLine(entry, progress)), close() {} };
  }
  const frame = createLogUpdate(stdout as NodeJS.WritableStream);
  const colours = pc.createColors(stdout.hasColors?.() ?? false);
  const width = () => (stdout.columns ?? 80) - 1;
  const began = Date.now();
  const draw = () => frame(table(progress, began, width(), stdout.rows ?? 24).join('\n'));
  const timer = setInterval(draw, frameInterval);
  const print = (text: string) => frame.persist(wrapWords(printable(text), width()));
  draw();
  return {
    message: print,
    entry(entry) {
      if (entry.type !== 'result') print(colours.yellow(entryLine(entry, progress)));
    },
    close() {
      clearInterval(timer);
      draw();
      frame.done();
    },
  };
}

/** `trial 0007  epoch 3 of 9  validation.loss 0.412  learningRate 0.1`. */
function entryLine(entry: Entry, progress: SweepProgress): string {
  const settings = parametersText(progress.trial(entry.trial).parameters);
  if (entry.type !== 'result') return `trial ${entry.trial}  ${entry.type}: ${entry.message}  (${settings})`;
  const where = `epoch ${entry.epochs}/${progress.epochsOf(entry.trial)}`;
  return `trial ${entry.trial}  ${where}  ${progress.metric.name} ${figureText(entry.figure)}  ${settings}`;
}

function table(progress: SweepProgress, began: number, width: number, height: number): string[] {
  const { trials, metric, ranked } = progress;
  const running = trials.filter(({ state }) => state === 'running');
  const others = ranked.filter(({ state }) => state !== 'running').slice(0, bestShown);
  const shown = [...running, ...others];
  const row = ({ id, state, epochs, figure }: TrialProgress) => [
    ...[id, state, `${epochs}/${progress.epochsOf(id)}`, figureText(figure)],
  ];
  const lines = aligned([['trial', 'state', 'epoch', metric.name], ...shown.map(row)]).map(
    (line, i) => `${line}  ${i === 0 ? 'settings' : parametersText(shown[i - 1]!.parameters)}`,
  );
  const left = progress.count('waiting');
  const done = trials.length - running.length - left;
  const counts = [
    `${done} of ${trials.length} trials have a result`,
    `${running.length} running`,
    ...(progress.count('diverged') > 0 ? [`${progress.count('diverged')} diverged`] : []),
    ...(progress.count('failed') > 0 ? [`${progress.count('failed')} failed`] : []),
    formatDuration((Date.now() - began) / 1000),
  ];
  return ['', counts.join(', '), ...lines].slice(0, height - 1).map((line) => line.slice(0, width));
}

export function figureText(figure: number | null): string {
  return figure === null ? '–' : figure.toFixed(4);
}
