// The machine that figures were measured on, in words.

import { availableParallelism, cpus } from 'node:os';

/** `AMD EPYC 7B13, 2 cores, Node 20.20.2 on linux x64`. */
export function describeMachine(): string {
  const processor = cpus()[0]?.model.trim() || 'unknown processor';
  const cores = availableParallelism();
  const { platform, arch, versions } = process;
  return `${processor}, ${cores} ${cores === 1 ? 'core' : 'cores'}, Node ${versions.node} on ${platform} ${arch}`;
}
