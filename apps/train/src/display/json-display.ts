// One JSON object per line: the run, every event of the trainer, messages, and the outcome.

import type { OutputStream } from '@bn/command-line';
import type { TrainerEvent } from '@bn/core';
import type { Display } from './display.js';

/** Numbers that JSON lacks (NaN, infinities) become null. The answers of an evaluation are left out. */
export function jsonDisplay(stream: OutputStream): Display {
  const write = (object: object) => stream.write(`${JSON.stringify(object)}\n`);
  return {
    start: (run) => write({ type: 'start', ...run }),
    event: (event) => write(withoutAnswers(event)),
    message: (text) => write({ type: 'message', text }),
    finish: (outcome) => write({ type: 'finish', ...outcome }),
    close() {},
  };
}

function withoutAnswers(event: TrainerEvent): object {
  if (event.type !== 'evaluation') return event;
  const { answers: _, ...rest } = event;
  return rest;
}
