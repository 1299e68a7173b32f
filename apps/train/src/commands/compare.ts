// `compare`: recorded runs beside each other.

import { CheckedCommand, type Io, parseCommand, printable, text } from '@bn/command-line';
import { comparisonText } from '../compare/figures.js';
import { readRun } from '../compare/read-run.js';
import { invocation } from '../display/invocation.js';
import { pageFile, writeOutcome } from '../display/write-outcome.js';

export const summary = 'runs beside each other: what differs, what came of it, how fast';

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('train compare')
    .description(
      'Tells in which settings recorded runs differ, what the figures are of the epoch that each keeps and at best, and how fast ' +
        'they were. Runs need not be finished.',
    )
    .argument('<runs...>', 'folders of the runs')
    .checked('--html', text('<file>'), 'also write a page with the curves over each other, as an HTML file')
    .option('--json', 'print one line of JSON, for programs [default: text for people]')
    .addHelpText('after', notes);
  const flags = parseCommand(command, args, io) as { html?: string; json?: true } | null;
  if (!flags) return 0;
  const file = pageFile(flags.html, io.cwd);
  const runs = await Promise.all(command.args.map((path) => readRun(path, io.cwd)));
  await writeOutcome(
    io,
    { json: flags.json, html: file },
    {
      ...{ type: 'comparison', record: { runs } },
      // A file or another program gets one table.
      text: () => printable(comparisonText(runs, io.stdout.columns ?? Infinity)),
      page: async () => (await import('../compare/page.js')).renderComparison(runs),
    },
  );
  return 0;
}

const notes = `
Paths are relative to the folder you are in. Examples:
  ${invocation} compare runs/a runs/b
  ${invocation} compare runs/* --html runs.html`;
