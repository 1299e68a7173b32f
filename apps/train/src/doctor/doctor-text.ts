// The doctor's findings, for people.

import { automatic, printable } from '@bn/command-line';
import { automaticChoice, type ExaminedBackend, type ExaminedDevice } from './examine-backends.js';
import type { Machine } from './examine-machine.js';

export function doctorText({ machine, backends }: { machine: Machine; backends: readonly ExaminedBackend[] }): string {
  const { node, platform, processor, cores, features, memory, gpus, noGpu, mpi } = machine;
  const instructions = features ? `: ${features.join(' ')}` : '';
  const lines = [
    `Node ${node} on ${platform}`,
    `CPU  ${processor}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${(memory / 2 ** 30).toFixed(0)} GiB${instructions}`,
    ...gpus.map(
      (gpu) => `GPU  ${gpu.name}, ${gpu.memory}, compute capability ${gpu.computeCapability}, driver ${gpu.driver}`,
    ),
    ...(noGpu === null ? [] : [`GPU  ${noGpu}`]),
    `MPI  ${mpi}`,
    ...backends.flatMap(({ name, devices, install }) => [
      '',
      name,
      ...devices.map(deviceLine),
      ...(install ? [`  ✗ not installed; run \`${install}\``] : []),
    ]),
    '',
    automaticLine(backends),
  ];
  return `${printable(lines.join('\n'))}\n`;
}

function automaticLine(backends: readonly ExaminedBackend[]): string {
  const { backend, device } = automaticChoice(backends);
  const why = device === 'cuda' ? '' : `: neither ${automatic.cuda.join(' nor ')} computes on CUDA`;
  return `--backend auto is ${backend} on ${device}${why}`;
}

function deviceLine({ device, engine, version, computes, seconds, detail }: ExaminedDevice): string {
  const place = engine === undefined ? device : `${engine} on ${device}`;
  const text = computes ? `computes, ${seconds!.toFixed(1)} s; ${detail}` : detail;
  return `  ${computes ? '✓' : '✗'} ${place.padEnd(15)} ${(version ?? '').padEnd(7)} ${text}`;
}
