// Which backends report where their time goes.

import { importBackend, installedBackends } from '@bn/command-line';
import { type Backend, type BackendOptions, createGraph, input, ops } from '@bn/core';

/** Names of the installed backends that do, tried on the CPU. */
export async function reportingBackends(workingFolder: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await installedBackends(workingFolder)) {
    const { module } = await importBackend(name, workingFolder);
    const options: BackendOptions = { device: 'cpu', threads: 1, profile: { skippedRuns: 0 } };
    // One that does not compute here does not report either.
    const backend = await module.createBackend(options).catch(() => null);
    if (backend && (await reports(backend).catch(() => false))) names.push(name);
    await backend?.dispose();
  }
  return names;
}

/** Whether a backend that was created with `profile` does. */
export async function reports(backend: Backend): Promise<boolean> {
  const executable = await backend.compile(createGraph({ y: ops.neg(input('x', [1])) }));
  await executable.dispose();
  return executable.report !== undefined;
}
