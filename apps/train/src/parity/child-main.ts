// The program of a child process of `parity`: answers one request after another.

import { createParticipant, type Participant } from './participant.js';
import type { Reply, Request, Setup, TaskName, Tasks } from './tasks.js';

let participant: Participant | undefined;
let last = Promise.resolve();

process.on('message', (request: Request) => {
  last = last.then(async () => void process.send!(await reply(request)));
});
// A Ctrl-C reaches the whole group of processes; the parent says what happens.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());

async function reply({ task, argument }: Request): Promise<Reply> {
  try {
    return { answer: await carryOut(task, argument) };
  } catch (cause) {
    const { name, message, stack, code } = cause as Error & { code?: string };
    return { error: { name, message, ...(code !== undefined && { code }), ...(stack !== undefined && { stack }) } };
  }
}

async function carryOut(task: TaskName, argument: Setup | number): Promise<ReturnType<Tasks[TaskName]>> {
  if (task === 'open') {
    participant = await createParticipant(argument as Setup);
    return participant.about();
  }
  return participant![task](argument as number);
}
