// The program of a child process of `parity`: answers one request after another.

import { carryOut, type TaskTable } from '@bn/command-line';
import { createParticipant, type Participant } from './participant.js';
import type { Tasks } from './tasks.js';

let participant: Participant;

const tasks: TaskTable<Tasks> = {
  async open(setup) {
    participant = await createParticipant(setup);
    return participant.about();
  },
  observe: (step) => participant.observe(step),
  compare: (step) => participant.compare(step),
  train: (steps) => participant.train(steps),
};

process.on(
  'message',
  carryOut(tasks, (reply) => void process.send!(reply)),
);
// A Ctrl-C reaches the whole group of processes; the parent says what happens.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());
