// `profile`: where the time of a training step goes, by layer and direction.

import { CheckedCommand, type Io, parseCommand, printable, stopCode, text, wholeNumber } from '@bn/command-line';
import { type KnobName, optionOf } from '../config/knobs.js';
import { readStepSettings, type StepFlags } from '../config/step-settings.js';
import { invocation } from '../display/invocation.js';
import { writeOutcome } from '../display/write-outcome.js';
import { outcomeText } from '../profile/outcome-text.js';
import { warmUpSteps } from '../profile/record.js';
import { runProfile } from '../profile/run-profile.js';

/** The knobs of `train` that decide what a step computes. */
const computing: readonly KnobName[] = [
  ...(['backend', 'device', 'engine', 'threads', 'exact'] as const),
  ...(['model', 'data', 'limit', 'batchSize', 'learningRate', 'optimizer', 'momentum'] as const),
  ...(['weightDecay', 'decayAll', 'clip'] as const),
  ...(['norm', 'bnConvention', 'bnMomentum', 'bnEpsilon', 'bnImported', 'seed'] as const),
];

export const summary = "where a training step's time goes, by layer";

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('train profile')
    .description(
      'Trains a few steps and tells where their time goes: by layer, forward, backward and in the optimizer. The same ' +
        'steps are trained without profiling in turn, which tells what profiling costs.',
    )
    .checked('--steps', wholeNumber(1), `steps that count, after ${warmUpSteps} that do not`, 20)
    .checked('--html', text('<file>'), 'also write a picture, as an HTML file')
    .option('--json', 'print one line of JSON, for programs [default: text for people]');
  for (const name of computing) command.addOption(optionOf(name));
  command.addHelpText('after', notes);

  const flags = parseCommand(command, args, io) as StepFlags | null;
  if (!flags) return 0;
  const settings = await readStepSettings(flags, io);
  try {
    const record = await runProfile(settings, io);
    await writeOutcome(io, settings, {
      ...{ type: 'profile', record },
      text: () => printable(outcomeText(record)),
      page: async () => (await import('../profile/page.js')).renderProfile(record),
    });
    return 0;
  } catch (error) {
    if (!io.signal.aborted) throw error;
    return stopCode(io.signal);
  }
}

const notes = `
Paths are relative to the folder you are in. Examples:
  ${invocation} profile --backend wasm
  ${invocation} profile --backend wasm --model ./net.ts --batch-size 64 --html profile.html`;
