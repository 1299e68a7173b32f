// The engines on their devices, best first, and how each is made.

import type { DeviceKind } from '@bn/core';
import type { Explanation } from '@bn/native';
import type { Engine, EngineName } from './engine.js';
import { createJavaScriptEngine } from './engines/javascript.js';
import { NativeEngine } from './engines/native.js';
import { createWebAssemblyEngine } from './engines/webassembly.js';
import { explainFailure } from './explain-failure.js';
import { findNative } from './native/find-native.js';
import { describeNative, loadNative } from './native/load-native.js';
import { type NativeDevice, probeNative } from './native/probe-native.js';
import { advice, nativeFolder } from './native-folder.js';

export interface EngineChoice {
  readonly engine: EngineName;
  readonly device: DeviceKind;
  /** What is missing where it is not available, for people: `no CUDA`. */
  readonly absence: string;
  /** Makes it, or says why it is not available. */
  create(threads: number | undefined): Promise<Engine | Explanation>;
}

export const engineChoices: readonly EngineChoice[] = [
  { engine: 'native', device: 'cuda', absence: 'no CUDA', create: (threads) => createNative('cuda', threads) },
  { engine: 'native', device: 'cpu', absence: 'no native engine', create: (threads) => createNative('cpu', threads) },
  {
    engine: 'wasm',
    device: 'cpu',
    absence: 'no WebAssembly',
    create: () => createWebAssemblyEngine().catch((error) => explainFailure(String(error))),
  },
  { engine: 'js', device: 'cpu', absence: 'no JavaScript', create: createJavaScriptEngine },
];

/** Why the native engine is not available on a device, as far as can be told without loading it into this process. */
export async function nativeObstacle(device: NativeDevice): Promise<Explanation | undefined> {
  const installation = findNative();
  if (!installation) {
    const [condition, flags] = device === 'cuda' ? [', if there is an NVIDIA GPU', '--cuda'] : [''];
    return {
      cause: `libtensorflow is not installed (there is none in ${nativeFolder()})`,
      cure: `${advice.cure(`install it${condition}`, flags)}; or use another engine`,
    };
  }
  if (device === 'cpu') return undefined;
  if (!installation.cuda)
    return {
      cause: 'libtensorflow is installed without CUDA',
      cure: advice.cure('install it with CUDA, if there is an NVIDIA GPU', '--cuda'),
    };
  return probeNative(installation, device);
}

async function createNative(device: NativeDevice, threads: number | undefined): Promise<Engine | Explanation> {
  const obstacle = await nativeObstacle(device);
  if (obstacle) return obstacle;
  const binding = loadNative(findNative()!, device, threads);
  if ('cause' in binding) return binding;
  return new NativeEngine({ kind: device, description: `${device} (TensorFlow.js, ${describeNative()})` }, binding);
}
