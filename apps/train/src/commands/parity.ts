// `parity`: compares backends with the reference, layer by layer and step by step.

import {
  CheckedCommand,
  checkedList,
  type Io,
  parseCommand,
  stopCode,
  text,
  wholeNumber,
  writeAtomically,
} from '@bn/command-line';
import { optionOf } from '../config/knobs.js';
import { invocation } from '../display/invocation.js';
import { parityDisplay } from '../parity/display.js';
import { judge } from '../parity/record.js';
import { runParity } from '../parity/run-parity.js';
import { type ParityFlags, readParitySettings } from '../parity/settings.js';

export const summary = 'compare backends with the reference, layer by layer';

/** @returns 0 if all agree, 1 if one departs */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('train parity')
    .description(
      'Compares backends with the reference backend in float64: every step from the same state, layer by layer, and the ' +
        'losses when each trains on its own. Ends with exit code 1 if one of them departs.',
    )
    .addOption(
      checkedList(
        '--backends',
        text('<name>'),
        'which; name:engine for one engine of several [default: all installed]',
      ),
    )
    .checked('--steps', wholeNumber(1), 'training steps; the reference takes a second or two for each', 20)
    .checked('--html', text('<file>'), 'also write a heat map, layer × step, as an HTML file')
    .option('--json', 'print one line of JSON per event, for programs [default: text for people]');
  const computing = [
    'model',
    'data',
    'limit',
    'batchSize',
    'learningRate',
    'seed',
    'device',
    'threads',
    'exact',
  ] as const;
  for (const name of computing) command.addOption(optionOf(name));
  command.addHelpText('after', notes);

  const flags = parseCommand(command, args, io) as ParityFlags | null;
  if (!flags) return 0;
  const settings = await readParitySettings(flags, io.cwd);
  const display = parityDisplay(io.stdout, settings.json);
  try {
    const record = await runParity(settings, display, io);
    display.finish(record);
    if (settings.html !== null) {
      // Loaded only now: the charts' library is large.
      const { renderHeatMap } = await import('../parity/heat-map.js');
      await writeAtomically(settings.html, await renderHeatMap(record));
    }
    return record.backends.every((backend) => judge(backend, record.losses).agrees) ? 0 : 1;
  } catch (error) {
    if (!io.signal.aborted) throw error;
    return stopCode(io.signal);
  } finally {
    display.close();
  }
}

const notes = `
Paths are relative to the folder you are in. Examples:
  ${invocation} parity
  ${invocation} parity --backends onnxruntime-cuda,./my-backend --steps 5 --html parity.html`;
