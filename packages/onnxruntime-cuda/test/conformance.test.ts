// The suite that every backend must pass, on each device that this machine has.

import { conformance } from '@bn/conformance';
import { createBackend, diagnose } from '../src/index.js';
import { webgpuGaps } from './webgpu-gaps.js';

for (const { device, available, detail } of await diagnose()) {
  conformance(`onnxruntime-cuda on ${device}`, () => createBackend({ device }), {
    requirement: { name: device, available, detail },
    gaps: device === 'webgpu' ? webgpuGaps : [],
  });
}
