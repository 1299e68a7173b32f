// `summary`: layers, shapes, parameters, multiplications and memory of a network.

import { CheckedCommand, type Io, parseCommand, printable, wholeNumber } from '@bn/command-line';
import { type KnobName, optionOf } from '../config/knobs.js';
import { type Flags, readSettings } from '../config/settings.js';
import { invocation } from '../display/invocation.js';
import { writeOutcome } from '../display/write-outcome.js';
import { outcomeText } from '../summary/outcome-text.js';
import { summarize } from '../summary/summarize.js';

const shaping: readonly KnobName[] = [
  ...(['model', 'norm', 'output', 'gives', 'pixels', 'data', 'task', 'target', 'imageSize', 'channels'] as const),
  ...(['batchSize', 'optimizer', 'momentum', 'bnConvention', 'bnMomentum', 'bnEpsilon'] as const),
];

export const summary = 'layers, shapes, parameters, multiplications and memory of a network';

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('train summary')
    .description('Tells what a network is made of and what a step of training it needs. Nothing is computed.')
    .checked('--classes', wholeNumber(1), "classes [default: the network's or the data's, else 10]")
    .option('--json', 'print one line of JSON, for programs [default: text for people]');
  for (const name of shaping) command.addOption(optionOf(name));
  command.addHelpText('after', notes);

  const given = parseCommand(command, args, io) as (Flags & { classes?: number }) | null;
  if (!given) return 0;
  const { classes = null, json, ...flags } = given;
  const { config } = await readSettings(flags, io);
  const record = await summarize(config, io.cwd, { ofData: flags.data !== undefined, classes });
  const text = () => printable(outcomeText(record));
  await writeOutcome(io, { json, html: null }, { type: 'summary', record, text });
  return 0;
}

const notes = `
Without --data and --image-size, of images as Fashion-MNIST has them. Examples:
  ${invocation} summary --model resnet18 --image-size 224 --classes 1000
  ${invocation} summary --model ./net.ts --data ./photos --batch-size 32`;
