// The outcome for people: a table by layer for each backend, and where it departs from the reference.

import { aligned } from '../display/format.js';
import { tolerances } from './difference.js';
import { type BackendRecord, type Difference, judge, largestOf, layersOf, type ParityRecord } from './record.js';

/** Columns of the table, and what each is the largest difference of. */
const columns: readonly (readonly [string, readonly Difference['kind'][]])[] = [
  ['activation', ['activation']],
  ['gradient', ['gradient']],
  ['statistics', ['state']],
  ['new weights', ['parameter', 'slot']],
];

export function outcomeText({ losses, backends }: ParityRecord): string {
  return backends.map((backend) => backendText(backend, losses)).join('\n\n');
}

function backendText(backend: BackendRecord, losses: readonly number[]): string {
  const { stepwise, freeRunning, agrees } = judge(backend, losses);
  const engine = backend.engine === undefined ? '' : ` (${backend.engine})`;
  const last = losses.length - 1;
  const lines = [
    `${backend.label}${engine} on ${backend.device}: ${agrees ? 'agrees with the reference' : 'departs from the reference'}`,
    '',
    ...table(backend),
    '',
    `step by step: largest difference ${located(stepwise.largest)} (allowed ${tolerances.stepwise})`,
    ...(stepwise.departure
      ? [`  first departs: ${nameOf(stepwise.departure)}, by ${located(stepwise.departure)}`]
      : []),
    `own training: losses differ by ${formatDifference(freeRunning.largest.difference)} at most, in step ${freeRunning.largest.step}` +
      ` (allowed ${tolerances.freeRunning}); loss ${backend.losses[last]!.toFixed(6)}, reference ${losses[last]!.toFixed(6)}`,
    ...(freeRunning.departure ? [`  first departs: the loss of step ${freeRunning.departure.step}`] : []),
  ];
  return lines.join('\n');
}

/** Largest differences of all steps, by layer and kind. */
function table(backend: BackendRecord): string[] {
  const rows = layersOf(backend).map((layer) => [
    nameOfLayer(layer),
    ...columns.map(([, kinds]) => cell(backend, (found) => found.layer === layer && kinds.includes(found.kind))),
  ]);
  return aligned([
    ['layer', ...columns.map(([name]) => name)],
    ...rows.filter((row) => row.slice(1).some((text) => text !== '–')),
    ['loss', cell(backend, ({ kind }) => kind === 'loss')],
  ]);
}

function cell({ differences }: BackendRecord, belongs: (found: Difference) => boolean): string {
  const found = differences.filter(belongs);
  return found.length === 0 ? '–' : formatDifference(largestOf(found).difference, tolerances.stepwise);
}

/** `2.3e-7`; beyond the tolerance with an exclamation mark. */
export function formatDifference(difference: number, tolerance = Number.POSITIVE_INFINITY): string {
  if (difference === Number.POSITIVE_INFINITY) return 'NaN!';
  return `${difference === 0 ? '0' : difference.toExponential(1)}${difference > tolerance ? '!' : ''}`;
}

export function nameOfLayer(layer: string): string {
  return layer === '' ? '(network)' : layer;
}

function nameOf({ layer, kind }: Difference): string {
  return kind === 'loss' ? 'the loss' : nameOfLayer(layer);
}

/** `2.3e-7, gradient of conv1.weight in step 3`. */
function located({ difference, kind, name, step }: Difference): string {
  const tensor = {
    activation: `activation of ${nameOfLayer(name)}`,
    loss: 'the loss',
    gradient: `gradient of ${name}`,
    state: name,
    parameter: `new ${name}`,
    slot: `new ${name}`,
  };
  return `${formatDifference(difference)}, ${tensor[kind]} in step ${step}`;
}
