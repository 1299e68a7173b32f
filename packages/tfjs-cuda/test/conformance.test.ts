// The suite that every backend must pass, with each engine on each device that this machine has.

import { conformance } from '@bn/conformance';
import { createBackend, diagnose } from '../src/index.js';

for (const { engine, device, available, detail } of await diagnose()) {
  conformance(`tfjs-cuda on ${device}, engine ${engine}`, () => createBackend({ engine, device }), {
    // Their own sums, of one value after the other, limit what a mean can be.
    tolerances: engine === 'js' ? {} : { normalization: 1e-5 },
    gaps: [{ reason: 'values stay on the device between runs', cases: ['several steps'] }],
    // conformance.verify.ts has the case that takes ten seconds on this engine.
    cases: (name) => engine !== 'js' || name !== 'lenet: five steps',
    requirement: { name: device === 'cuda' ? device : `tfjs ${engine}`, available, detail },
  });
}
