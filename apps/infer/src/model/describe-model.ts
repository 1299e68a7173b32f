// What is told of a model: what it takes and gives, what of that is assumed, and what computes it.

import { availableParallelism, cpus } from 'node:os';
import { type Io, type OpenedBackend, printable } from '@bn/command-line';
import { describeSignature } from '@bn/core';
import { mixingWarning, type ReadModel } from './open-model.js';

/** A line, and a warning for each assumption. */
export function tellSignature(
  { name, signature, assumptions, mixesExamples }: Omit<ReadModel, 'imported'>,
  { stderr }: Pick<Io, 'stderr'>,
): void {
  stderr.write(printable(`${name} ${describeSignature(signature)}\n`));
  const warnings = mixesExamples ? [...assumptions, mixingWarning] : assumptions;
  for (const warning of warnings) stderr.write(printable(`warning: ${warning}\n`));
}

/** `wasm on cpu (2 threads); no CUDA: there is no driver`. */
export function describeBackend({ backend, reason }: Pick<OpenedBackend, 'backend' | 'reason'>): string {
  const { name, engine, device } = backend;
  const why = reason === undefined ? '' : `; ${reason}`;
  return `${name}${engine === undefined ? '' : ` (${engine})`} on ${device.description}${why}`;
}

/** `AMD EPYC 7B13, 2 cores, Node 20.20.2 on linux x64`. */
export function describeMachine(): string {
  const processor = cpus()[0]?.model.trim() || 'unknown processor';
  const cores = availableParallelism();
  const { platform, arch, versions } = process;
  return `${processor}, ${cores} ${cores === 1 ? 'core' : 'cores'}, Node ${versions.node} on ${platform} ${arch}`;
}
