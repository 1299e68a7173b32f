// Shows a setup in a terminal, or in a log.

import type { Progress, SetupOptions } from './setup-options.js';
import { sizeText } from './wheel.js';

/** A stream for people: standard output, say. */
export interface TextStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** The `say` and `progress` of a setup. In a terminal the progress is one line that changes, in a log a line per tenth. */
export function narrator(stream: TextStream): Required<Pick<SetupOptions, 'say' | 'progress'>> {
  let open = false;
  let last = '';
  const close = () => {
    if (open) stream.write('\n');
    open = false;
  };
  return {
    say(line) {
      close();
      stream.write(`${line}\n`);
    },
    progress(progress) {
      const text = progressText(progress, stream.isTTY ? 100 : 10);
      if (text === last) return;
      last = text;
      stream.write(stream.isTTY ? `\r${text}\x1b[K` : `${text}\n`);
      open = stream.isTTY === true && progress.received < progress.total;
      if (stream.isTTY && !open) stream.write('\n');
    },
  };
}

function progressText({ file, received, total }: Progress, steps: number): string {
  const part = Math.floor((steps * Math.min(received, total)) / total) / steps;
  const name = file.split('-').slice(0, 2).join(' ').replaceAll('_', '-');
  return `  ${name.padEnd(36)} ${`${Math.round(100 * part)} %`.padStart(5)} of ${sizeText(total)}`;
}
