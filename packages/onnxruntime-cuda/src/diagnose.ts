// What is installed, what loads and what computes, per device.

import { availableParallelism } from 'node:os';
import type { DeviceKind, Diagnosis } from '@bn/core';
import { probeDevice } from './probe-device.js';

/** One diagnosis for each device that this backend knows. Computes on each, in child processes. */
export async function diagnose(): Promise<Diagnosis[]> {
  const kinds: readonly DeviceKind[] = ['cuda', 'webgpu', 'cpu'];
  return Promise.all(
    kinds.map(async (device) => {
      const { available, reason } = await probeDevice(device);
      const threads = device === 'cpu' ? `, up to ${availableParallelism()} threads` : '';
      return { device, available, detail: available ? `computes${threads}` : reason };
    }),
  );
}
