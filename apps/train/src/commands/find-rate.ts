// `find-rate`: which learning rates a network stands, before it is trained.

import { CheckedCommand, type Io, parseCommand, printable, stopCode, text, wholeNumber } from '@bn/command-line';
import pc from 'picocolors';
import { type KnobName, knobNames, optionOf } from '../config/knobs.js';
import { readStepSettings, type StepFlags } from '../config/step-settings.js';
import { invocation } from '../display/invocation.js';
import { writeOutcome } from '../display/write-outcome.js';
import { findRate } from '../find-rate/find-rate.js';
import { outcomeText } from '../find-rate/outcome-text.js';
import { first, last } from '../find-rate/record.js';

/** The knobs of `train` that decide nothing here: what is tried, what comes after some steps, and what is recorded. */
const idle: ReadonlySet<KnobName> = new Set<KnobName>([
  ...([
    'learningRate',
    'epochs',
    'schedule',
    'warmupEpochs',
    'keepBy',
    'patience',
    'average',
    'unfreezeAfter',
  ] as const),
  ...(['out', 'export', 'tensorboard', 'dashboard', 'json'] as const),
]);

export const summary = 'which learning rates a network stands, before training';

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('train find-rate')
    .description(
      `Trains with a learning rate that rises from step to step, from ${first} to ${last}, until the loss diverges (Smith, 2017), and tells ` +
        'at which rates the loss falls. It takes the flags that the training will have, and records nothing.',
    )
    .checked('--steps', wholeNumber(20), 'steps, if the loss does not diverge before', 120)
    .checked('--html', text('<file>'), 'also write the chart, as an HTML file')
    .option('--json', 'print one line of JSON, for programs [default: text for people]')
    .checked('--config', text('<file>'), 'JSON file with flags of train as keys in camel case; flags win');
  for (const name of knobNames) if (!idle.has(name)) command.addOption(optionOf(name));
  command.addHelpText('after', notes);

  const flags = parseCommand(command, args, io) as StepFlags | null;
  if (!flags) return 0;
  const settings = await readStepSettings(flags, io);
  try {
    const record = await findRate(settings.config, settings.steps, io);
    const colours = pc.createColors(io.stdout.hasColors?.() ?? false);
    const width = (io.stdout.columns ?? 80) - 1;
    await writeOutcome(io, settings, {
      ...{ type: 'rates', record },
      text: () => outcomeText(record, forTraining(args).map(printable), width, colours),
      page: async () => (await import('../find-rate/page.js')).renderRates(record),
    });
    return 0;
  } catch (error) {
    if (!io.signal.aborted) throw error;
    return stopCode(io.signal);
  }
}

/** The arguments without the command's own flags. */
function forTraining(args: readonly string[]): readonly string[] {
  const own = (arg: string | undefined) => /^--(steps|html)$/.test(arg ?? '');
  return args.filter((arg, i) => !own(arg) && !own(args[i - 1]) && !/^--(steps|html)=/.test(arg));
}

const notes = `
Paths are relative to the folder you are in. Examples:
  ${invocation} find-rate
  ${invocation} find-rate --data ./photos --optimizer adamw --html rates.html`;
