// The engine in WebAssembly. TensorFlow.js's kernels keep the module that they call in variables of their own, so a
// process has one: all instances of this engine share it, also with a program's own use of TensorFlow.js.
//
// It computes on one thread. TensorFlow.js 4.22.0 has a binary with threads, but it starts none, whatever it is told.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Engine } from '../engine.js';
import { avgPoolGradient, maxPoolGradient } from './host-kernels.js';
import { RegisteredKernels } from './registered-kernels.js';

/** @throws whatever TensorFlow.js throws where its module does not load. */
export async function createWebAssemblyEngine(): Promise<Engine> {
  const { env, getKernelsForBackend } = await import('@tensorflow/tfjs-core');
  shared ??= sharedBackend();
  const backend = await shared;
  const simd = (await env().getAsync('WASM_HAS_SIMD_SUPPORT')) ? ', SIMD' : '';
  const device = { kind: 'cpu', description: `cpu (TensorFlow.js, WebAssembly${simd}, 1 thread)` } as const;
  return new RegisteredKernels('wasm', device, {
    backend,
    kernels: getKernelsForBackend('wasm'),
    hostKernels: { AvgPoolGrad: avgPoolGradient, MaxPoolGrad: maxPoolGradient },
    allocate: (shape, dtype) => backend.makeOutput([...shape], dtype),
    elements: (tensor) => backend.typedArrayFromHeap(tensor),
  });
}

let shared: Promise<BackendWasm> | undefined;

/** The process's backend object: made here unless the program has made it, and found by TensorFlow.js from then on. */
async function sharedBackend(): Promise<BackendWasm> {
  const tf = await import('@tensorflow/tfjs-core');
  await import('@tensorflow/tfjs-backend-wasm');
  const existing = tf.engine().registry.wasm;
  if (existing) return existing as BackendWasm;
  const listenersBefore = processListeners();
  const backend = (await tf.findBackendFactory('wasm')()) as BackendWasm;
  // Emscripten makes the process end on every rejected promise and every error, whoever handles them.
  for (const [event, listener] of processListeners()) {
    const added = !listenersBefore.some((before) => before[1] === listener);
    if (added) process.removeListener(event, listener);
  }
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', () => backend, 2);
  tf.findBackend('wasm');
  for (const { setupFunc } of tf.getKernelsForBackend('wasm')) setupFunc?.(backend);
  return backend;
}

type Listener = (...args: unknown[]) => void;

function processListeners(): [event: string, listener: Listener][] {
  return ['uncaughtException', 'unhandledRejection'].flatMap((event) =>
    (process.listeners(event as NodeJS.Signals) as Listener[]).map((listener): [string, Listener] => [event, listener]),
  );
}
