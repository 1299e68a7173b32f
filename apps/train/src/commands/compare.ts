// `compare`: recorded runs beside each other.

import { CheckedCommand, fileToWrite, type Io, parseCommand, printable, text, writeAtomically } from '@bn/command-line';
import { figureRows, settingRows } from '../compare/figures.js';
import { readRun } from '../compare/read-run.js';
import { alignedWithin } from '../display/format.js';
import { invocation } from '../display/invocation.js';

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
  const file = flags.html === undefined ? null : fileToWrite('--html', flags.html, io.cwd);
  const runs = await Promise.all(command.args.map((path) => readRun(path, io.cwd)));
  const settings = settingRows(runs);
  const heading = ['', ...runs.map(({ name }) => name)];
  const rows = [heading, ...figureRows(runs), ...(settings.length > 0 ? [[''], ...settings] : [])];
  // A file or another program gets one table.
  const lines = alignedWithin(rows, io.stdout.columns ?? Infinity);
  io.stdout.write(`${flags.json ? JSON.stringify({ type: 'comparison', runs }) : printable(lines.join('\n'))}\n`);
  if (file !== null) {
    // Loaded only now: the charts' library is large.
    const { renderComparison } = await import('../compare/page.js');
    await writeAtomically(file, await renderComparison(runs));
  }
  return 0;
}

const notes = `
Paths are relative to the folder you are in. Examples:
  ${invocation} compare runs/a runs/b
  ${invocation} compare runs/* --html runs.html`;
