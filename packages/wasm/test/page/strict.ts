// Backends in a page whose policy forbids workers from text: by default, and with a worker of the page's own.

import { createBackend } from '@bn/wasm';
import BnWorker from '@bn/wasm/worker?worker';
import { trainLenet } from './train-lenet.js';

async function train(options: Parameters<typeof createBackend>[0]) {
  const backend = await createBackend({ threads: 2, ...options });
  const { device } = backend;
  const losses = await trainLenet(backend);
  await backend.dispose();
  return { device, losses };
}

Object.assign(globalThis, { train, BnWorker, loaded: true });
