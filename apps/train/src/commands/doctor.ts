// `doctor`: what this machine and its backends can do, and what would mend the rest.

import { type Io, parseCommand, stopCode } from '@bn/command-line';
import { Command } from 'commander';
import { doctorText } from '../doctor/doctor-text.js';
import { automaticChoice, examineBackends } from '../doctor/examine-backends.js';
import { examineMachine } from '../doctor/examine-machine.js';

export const summary = 'what computes on this machine, and how to mend what does not';

/** @returns 0 if a backend computes, else 1; 130 after Ctrl-C */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new Command('train doctor')
    .description(
      'Tries each installed backend on each of its devices: a training step, compared with the reference backend.',
    )
    .option('--json', 'one object of JSON, for programs');
  const flags = parseCommand(command, args, io);
  if (!flags) return 0;
  const backends = await examineBackends(io.cwd, io.signal).catch((error: Error) => {
    if (io.signal.aborted) return null;
    throw error;
  });
  if (!backends) return stopCode(io.signal);
  const findings = { machine: await examineMachine(io.env), backends, automatic: automaticChoice(backends) };
  io.stdout.write(flags.json ? `${JSON.stringify(findings)}\n` : doctorText(findings));
  return findings.backends.some(({ devices }) => devices.some(({ computes }) => computes)) ? 0 : 1;
}
