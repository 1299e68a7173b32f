// Loads the native binding. libtensorflow reads its settings once, so that a process has one choice of device and of
// the number of threads.

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import type { Explanation } from '@bn/native';
import { explainFailure } from '../explain-failure.js';
import type { Binding } from './binding.js';
import type { NativeInstallation } from './find-native.js';
import type { NativeDevice } from './probe-native.js';

interface Loaded {
  readonly binding: Binding;
  readonly device: NativeDevice;
  readonly threads: number | undefined;
}

let loaded: Loaded | undefined;

/** @param threads at most as many; libtensorflow's choice, one per core, if undefined */
export function loadNative(
  { binding: path }: NativeInstallation,
  device: NativeDevice,
  threads: number | undefined,
): Binding | Explanation {
  if (loaded) return reuse(loaded, device, threads);
  const settings = {
    // The binding takes a GPU wherever it sees one.
    ...(device === 'cpu' ? { CUDA_VISIBLE_DEVICES: '-1' } : {}),
    ...(threads === undefined ? {} : { TF_NUM_INTRAOP_THREADS: String(threads) }),
    // GPU memory is taken as it is needed, so that others can use the GPU too.
    TF_FORCE_GPU_ALLOW_GROWTH: process.env.TF_FORCE_GPU_ALLOW_GROWTH ?? 'true',
    TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '1',
  };
  try {
    const binding = withEnvironment(settings, () => createRequire(import.meta.url)(path) as Binding);
    const actual = binding.isUsingGpuDevice() ? 'cuda' : 'cpu';
    loaded = { binding, device: actual, threads };
    if (device === 'cuda' && actual === 'cpu') return explainFailure('TensorFlow uses no GPU');
    return reuse(loaded, device, threads);
  } catch (error) {
    return explainFailure((error as Error).message);
  }
}

/** Runs `body` with these environment variables; others must not see them. */
function withEnvironment<T>(settings: Readonly<Record<string, string>>, body: () => T): T {
  const before = Object.keys(settings).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, settings);
  try {
    return body();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

function reuse(present: Loaded, device: NativeDevice, threads: number | undefined): Binding | Explanation {
  if (present.device !== device) {
    return {
      cause: `this process has loaded libtensorflow for ${present.device}, which excludes ${device}`,
      cure: 'use another process',
    };
  }
  if (threads !== undefined && threads !== threadsOf(present)) {
    return {
      cause: `this process has loaded libtensorflow with ${threadsText(threadsOf(present))}, not ${threads}`,
      cure: 'leave threads out, or use another process',
    };
  }
  return present.binding;
}

function threadsOf({ threads = availableParallelism() }: Pick<Loaded, 'threads'>): number {
  return threads;
}

/** What is loaded, for people: `libtensorflow 2.21.0, 2 threads`. */
export function describeNative(): string {
  const { binding, device } = loaded!;
  const library = `libtensorflow ${binding.TF_Version}`;
  return device === 'cuda' ? library : `${library}, ${threadsText(threadsOf(loaded!))}`;
}

function threadsText(threads: number): string {
  return threads === 1 ? '1 thread' : `${threads} threads`;
}
