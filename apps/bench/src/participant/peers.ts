// The peers that run in Node, by their ids.

import type { Contestant } from './contestant.js';
import type { Settings } from './exchange.js';

interface PeerModule {
  /** Ready, with the first training step done if it can train. */
  create(settings: Settings): Promise<Contestant>;
}

export const peersInJavaScript: Readonly<Record<string, () => Promise<PeerModule>>> = {
  tfjs: () => import('./tfjs.js'),
  'tfjs-wasm': () => import('./tfjs.js'),
  'jax-js': () => import('./jax-js.js'),
  'onnxruntime-web': () => import('./onnxruntime-web.js'),
};
