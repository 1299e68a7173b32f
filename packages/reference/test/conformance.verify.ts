// The case of the suite that takes ten seconds in float32, too.

import { conformance } from '@bn/conformance';
import { createBackend } from '../src/index.js';

conformance('reference in float32', () => createBackend(), { cases: (name) => name === 'lenet: five steps' });
