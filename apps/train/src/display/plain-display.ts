// One line per epoch, for pipes and log files.

import type { OutputStream } from '@bn/command-line';
import type { Display } from './display.js';
import { collectEpochs, epochLine } from './epoch-log.js';
import { formatDescription } from './format.js';
import { outcomeText } from './outcome-text.js';

export function plainDisplay(stream: OutputStream): Display {
  const write = (line: string) => stream.write(`${line}\n`);
  const epochs = collectEpochs((epoch, total) => write(epochLine(epoch, total)));
  return {
    start(run) {
      write(formatDescription(run.description));
      for (const epoch of run.history) write(epochLine(epoch, run.epochs));
    },
    event(event) {
      epochs.event(event);
      if (event.type === 'warning') write(`warning: ${event.message}`);
    },
    message: write,
    finish(outcome) {
      epochs.flush();
      write(outcomeText(outcome));
    },
    close: epochs.flush,
  };
}
