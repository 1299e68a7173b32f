// The suite that every backend must pass, on the oracle itself.

import { conformance } from '@bn/conformance';
import { createBackend } from '../src/index.js';

// conformance.verify.ts has the case that takes ten seconds.
conformance('reference in float32', () => createBackend(), { cases: (name) => name !== 'lenet: five steps' });
conformance('reference in float64', () => createBackend({ precision: 64 }));
