// The suite that every backend must pass, on the oracle itself.

import { conformance } from '@bn/conformance';
import { createBackend } from '../src/index.js';

conformance('reference in float32', () => createBackend());
conformance('reference in float64', () => createBackend({ precision: 64 }));
