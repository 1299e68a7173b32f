// The conformance suite on the page's own thread, and a training.

import { conformance } from '@bn/conformance';
import { createBackend } from '@bn/wasm';
import { gaps } from '../gaps.js';
import { trainLenet } from './train-lenet.js';
import { runTests } from './vitest-in-page.js';

conformance('wasm in a page', () => createBackend({ threads: 2 }), { gaps });

Object.assign(globalThis, {
  runSuite: runTests,
  async train(threads: number) {
    const backend = await createBackend({ threads });
    const { device } = backend;
    const losses = await trainLenet(backend);
    await backend.dispose();
    return { device, losses };
  },
  loaded: true,
});
