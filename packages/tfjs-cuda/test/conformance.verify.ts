// The case of the suite that takes ten seconds on the engine in JavaScript.

import { conformance } from '@bn/conformance';
import { createBackend } from '../src/index.js';

conformance('tfjs-cuda on cpu, engine js', () => createBackend({ engine: 'js', device: 'cpu' }), {
  cases: (name) => name === 'lenet: five steps',
});
