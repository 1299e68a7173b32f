// What is installed, what loads and what computes, per device.

import { availableParallelism } from 'node:os';
import type { Diagnosis } from '@bn/core';
import { runtimeVersionInUse } from './cuda-provider.js';
import { loadRuntime } from './load-runtime.js';
import { probeDevice } from './probe-device.js';

/** One diagnosis for each device that this backend knows. Computes on each, in child processes. */
export async function diagnose(): Promise<Diagnosis[]> {
  try {
    await loadRuntime();
  } catch (error) {
    const { message } = error as Error;
    return (['cuda', 'webgpu', 'cpu'] as const).map((device) => ({ device, available: false, detail: message }));
  }
  const version = runtimeVersionInUse();
  const others = (['cuda', 'webgpu'] as const).map(async (device): Promise<Diagnosis> => {
    const obstacle = await probeDevice(device);
    const detail = obstacle ? `${obstacle.cause}; ${obstacle.cure}` : 'computes';
    return { device, version, available: !obstacle, detail };
  });
  const cpu: Diagnosis = {
    device: 'cpu',
    version,
    available: true,
    detail: `loads; ${availableParallelism()} threads`,
  };
  return [...(await Promise.all(others)), cpu];
}
