// The conformance suite on the page's own thread, and a training.

import { conformance } from '@bn/conformance';
import { createBackend } from '@bn/wasm';
import { gaps } from '../gaps.js';
import { trainLenet } from './train-lenet.js';
import { runTests } from './vitest-in-page.js';

conformance('wasm in a page', () => createBackend({ threads: 2 }), { gaps });

async function train(threads: number, exact = false) {
  const backend = await createBackend({ threads, exact });
  const { device } = backend;
  const losses = await trainLenet(backend);
  await backend.dispose();
  return { device, losses };
}

/** Everything, posted to the server: for browsers that a test can start but not talk to. */
async function report(): Promise<void> {
  const compute = async () => ({ suite: await runTests(), exact: await train(2, true), fast: await train(2) });
  const outcome = await compute().catch((error) => ({ failure: String(error) }));
  await fetch('/outcome', { method: 'POST', body: JSON.stringify(outcome) });
}

Object.assign(globalThis, { runSuite: runTests, train, loaded: true });
if ((globalThis as { readonly location?: { readonly hash: string } }).location?.hash === '#report') void report();
