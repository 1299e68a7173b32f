// A participant's process, from outside.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BnError } from '@bn/core';
import type { Participant } from '../participants.js';
import type { Introduction, Limits, Repeated, Request, Settings, Trained } from './exchange.js';

interface Answers {
  readonly train: Trained;
  readonly step: Repeated;
  readonly predict: Repeated;
  readonly limits: Limits;
}

export interface Running {
  readonly participant: Participant;
  readonly introduction: Introduction;
  /** From the start of the process to the end of its first training step, data loaded and all; until it is ready if it cannot train. */
  readonly readySeconds: number;
  ask<D extends keyof Answers>(request: Extract<Request, { do: D }>): Promise<Answers[D]>;
  /** Ends the process at once. */
  kill(): void;
}

const dataFolder = new URL('../data/', import.meta.resolve('@bn/fashion-mnist'));

/**
 * Starts the process; it waits for requests once its first training step is done.
 *
 * @throws BnError `backend` if it ends before, with what it wrote last
 */
export async function start(participant: Participant, settings: Omit<Settings, 'data' | 'variant'>): Promise<Running> {
  const own: Settings = { ...settings, data: fileURLToPath(dataFolder), variant: participant.variant };
  const startedAt = performance.now();
  const child = spawn(participant.command, [...participant.args, JSON.stringify(own)], {
    env: { ...process.env, OMP_NUM_THREADS: `${settings.threads}`, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (text: Buffer) => {
    complaints = (complaints + text.toString()).slice(-2000);
  });
  // Writing to a process that has ended fails; that it ended is told by its output's end.
  child.stdin.on('error', () => {});
  const failed = new Promise<never>((_, reject) => {
    child.on('error', (cause) => reject(new BnError('backend', `${participant.command}: ${cause.message}`, { cause })));
    child.on('close', (code) => {
      const last = complaints.split('\n').filter(isMessage).slice(-3).join(' | ');
      reject(new BnError('backend', `${participant.id} ended with exit code ${code}: ${last || 'it wrote nothing'}`));
    });
  });
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => JSON.parse((await Promise.race([lines.next(), failed])).value ?? (await failed));
  const introduction: Introduction = await answer();
  return {
    participant,
    introduction,
    readySeconds: (performance.now() - startedAt) / 1000,
    ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return answer();
    },
    kill: () => child.kill(),
  };
}

/** Of what a program writes when it fails: not the places in the stack, not the version. */
function isMessage(line: string): boolean {
  return line.trim() !== '' && !/^\s+at |^Node\.js v/.test(line);
}
