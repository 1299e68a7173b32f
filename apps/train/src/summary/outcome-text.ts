// The summary for people: a table of the layers, and the memory of a step.

import { aligned } from '../display/format.js';
import type { MemorySummary, NetworkSummary } from './summarize.js';

export function outcomeText({
  model,
  input,
  batchSize,
  layers,
  parameters,
  multiplyAdds,
  memory,
}: NetworkSummary): string {
  const count = (n: number) => (n === 0 ? '' : Math.round(n).toLocaleString('en-US'));
  const rows = [
    ['layer', 'output', 'parameters', 'multiply-adds'],
    ...layers.map((layer) => [
      layer.layer === '' ? '(outside all layers)' : layer.layer,
      ...[layer.shape.join('×'), count(layer.parameters), count(layer.multiplyAdds)],
    ]),
    ['in all', '', count(parameters), count(multiplyAdds)],
  ];
  const table = aligned(rows);
  const line = '─'.repeat(Math.max(...table.map((row) => row.length)));
  return [
    `${model} on ${input.join('×')}; outputs and multiply-adds are those of one example`,
    ...['', table[0]!, line, ...table.slice(1, -1), line, table.at(-1)!, ''],
    `memory of a training step with ${batchSize} example${batchSize === 1 ? '' : 's'}, in float32:`,
    ...aligned(memoryRows(memory)),
    'activations are what the forward direction computes and the backward direction reads, each once; a backend may keep',
    'less, where it computes some again, and needs room for what it is computing besides.',
  ].join('\n');
}

function memoryRows({ optimizer, ...memory }: MemorySummary): string[][] {
  const all = Object.values(memory).reduce((sum, bytes) => sum + bytes, optimizer);
  const rows: [string, number][] = [
    ['parameters', memory.parameters],
    ['their gradients', memory.gradients],
    ['optimizer', optimizer],
    ['running statistics', memory.states],
    ['the batch', memory.batch],
    ['activations', memory.activations],
    ['in all', all],
  ];
  return rows.filter(([, bytes]) => bytes > 0).map(([name, bytes]) => [name, `${(bytes / 1e6).toFixed(2)} MB`]);
}
