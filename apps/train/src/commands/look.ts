// `look`: what is in the data, before anything is trained on it.

import { CheckedCommand, type DataOptions, type Io, loadParts, parseCommand, printable, text } from '@bn/command-line';
import { type KnobName, optionOf } from '../config/knobs.js';
import { dataOptions, type Flags, readSettings } from '../config/settings.js';
import { invocation } from '../display/invocation.js';
import { loadingProgress } from '../display/progress.js';
import { pageFile, writeOutcome } from '../display/write-outcome.js';
import { examineData } from '../look/examine-data.js';
import { outcomeText } from '../look/outcome-text.js';

/** The knobs of `train` that decide what the examples are. */
const reading: readonly KnobName[] = ['data', 'testData', 'task', 'target', 'imageSize', 'channels', 'strict'];

export const summary = 'what is in the data, before training';

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('train look')
    .description(
      'Tells what is in the data before anything is trained on it: rows and columns, classes, sizes and formats of files, ' +
        'files that cannot be read, duplicates, and how pixels are spread.',
    )
    .checked('--html', text('<file>'), 'also write a page with pictures of each class, as an HTML file')
    .option('--json', 'print one line of JSON, for programs [default: text for people]');
  for (const name of reading) command.addOption(optionOf(name));
  command.addHelpText('after', notes);

  const flags = parseCommand(command, args, io) as (Flags & { html?: string }) | null;
  if (!flags) return 0;
  const { html, json = false, ...knobs } = flags;
  const file = pageFile(html, io.cwd);
  const { config } = await readSettings(knobs, { ...io, env: {} });
  const options = { ...dataOptions(config), onProgress: loadingProgress(io.stderr) };
  const data = await load(options);
  const record = await examineData(config.data, data, config.task);
  await writeOutcome(
    io,
    { json, html: file },
    {
      ...{ type: 'data', record },
      text: () => printable(outcomeText(record, (io.stdout.columns ?? 100) - 1)),
      page: async () => (await import('../look/page.js')).renderLook(record, data),
    },
  );
  return 0;
}

/** The data, with the test data that is given in place of its own. */
async function load(options: DataOptions) {
  const own = await loadParts(options.data, options, null);
  if (options.testData === null) return own;
  const given = await loadParts(options.testData, options, own.train.features.shape as number[]);
  const files = { train: own.files?.train ?? [], test: given.files?.test ?? given.files?.train ?? [] };
  const skipped = [...(own.skipped ?? []), ...(given.skipped ?? [])];
  return { ...own, test: given.test ?? given.train, files, skipped };
}

const notes = `
Paths are relative to the folder you are in. Examples:
  ${invocation} look --data ./my-images
  ${invocation} look --data scenes.csv --task regress --html look.html`;
