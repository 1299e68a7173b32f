// The losses as curves in the terminal, and what to type next.

import type { Colors } from 'picocolors/types.js';
import { braillePlot } from '../display/braille-plot.js';
import { invocation } from '../display/invocation.js';
import { first, last, type RateRecord } from './record.js';

const end = Math.log10(last / first);

/**
 * @param args those of the command, of which the next one is made
 * @param width columns of the terminal
 */
export function outcomeText(
  { model, data, backend, batchSize, points, suggestion }: RateRecord,
  args: readonly string[],
  width: number,
  colours: Colors,
): string {
  // Where the loss has diverged, it would leave no room for the rest.
  const highest = 1.5 * points[0]!.smoothed;
  const curve = (name: 'loss' | 'smoothed', paint: (text: string) => string) => ({
    ...{ name, paint, line: 'solid' as const },
    points: points.map((point) => [Math.log10(point.rate / first), Math.min(highest, point[name])] as const),
  });
  const mark = (x: number) => `1e${Math.round(Math.log10(first)) + x}`;
  const plot = braillePlot([curve('loss', colours.dim), curve('smoothed', colours.cyan)], {
    ...{ width: Math.min(100, width), height: 16, end, unit: 'rate', mark },
  });
  const head = `${model} on ${data}, by ${backend}: ${points.length} steps of ${batchSize} examples`;
  return [head, '', ...plot, '', ...adviceText(suggestion, args)].join('\n');
}

function adviceText(suggestion: RateRecord['suggestion'], args: readonly string[]): string[] {
  if (!suggestion) {
    return [
      `The loss falls at no rate. Give more --steps or a larger --batch-size, or look at the data: ${invocation} look`,
    ];
  }
  const { steepest, lowest } = suggestion;
  const next = [invocation, ...args.map((arg) => (/[\s"]/.test(arg) ? JSON.stringify(arg) : arg))];
  return [
    `The loss falls most steeply at a learning rate of ${steepest}, and is lowest at ${lowest}.`,
    'Rates between them are worth a try; the first one is safe:',
    `  ${next.join(' ')} --learning-rate ${steepest}`,
  ];
}
