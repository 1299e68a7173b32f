// `train`, the default command: trains a network and records the run.

import { CheckedCommand, type Io, parseCommand, stopCode, text } from '@bn/command-line';
import { knobNames, optionOf } from '../config/knobs.js';
import { photographNote } from '../config/photographs.js';
import { readSettings } from '../config/settings.js';
import { invocation } from '../display/invocation.js';
import { program } from '../program.js';
import { amongRanks, type Ranks } from '../run/ranks.js';
import { runTraining } from '../run/run-training.js';

export const summary = 'train a network and record the run (the default)';

export function run(args: readonly string[], io: Io): Promise<number> {
  return amongRanks(io, (own, ranks) => train(args, own, ranks));
}

async function train(args: readonly string[], io: Io, ranks: Ranks): Promise<number> {
  const command = new CheckedCommand('train').description(
    'Trains a network, by default LeNet with batch normalization on Fashion-MNIST, and records the run in a folder.',
  );
  for (const name of knobNames) command.addOption(optionOf(name));
  command
    .checked('--config', text('<file>'), 'JSON file with any of these flags as keys in camel case; flags win')
    .checked('--resume', text('<run>'), 'continue the run in this folder from its last checkpoint');
  command.addHelpText('after', `${await program.otherCommands(args)}\n${photographNote}\n\n${notes}`);

  const flags = parseCommand(command, args, io);
  if (!flags) return 0;
  const finished = await runTraining(await readSettings(flags, io), io, ranks);
  if (finished) return 0;
  return stopCode(io.signal);
}

const notes = `Paths are relative to the folder you are in. Examples:
  ${invocation}
  ${invocation} --model lenet --epochs 5 --limit 10000
  ${invocation} --data ./my-images --model ./net.ts --optimizer adam
  ${invocation} --resume runs/2026-03-01T14-05-09 --epochs 20`;
