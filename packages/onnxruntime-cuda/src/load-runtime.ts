// Loads onnxruntime-node when it is first needed, so that importing this package costs and breaks nothing.

import { BnError } from '@bn/core';
import { preload } from '@bn/native';
import { findCudaProvider } from './cuda-provider.js';
import { runtimePath } from './runtime-path.js';

export type Runtime = typeof import('onnxruntime-node');

/** @throws `backend` if onnxruntime-node is not installed, or its native library does not load. */
export async function loadRuntime(): Promise<Runtime> {
  runtimePath();
  // On the CPU too: the binding is loaded once, and CUDA may be asked for later.
  preload(findCudaProvider()?.runtime ?? []);
  try {
    const module = await import('onnxruntime-node');
    return 'default' in module ? (module.default as Runtime) : module;
  } catch (cause) {
    const { message } = cause as Error;
    throw new BnError(
      'backend',
      `onnxruntime-node does not load on ${process.platform} ${process.arch}: ${message}; ` +
        'it has binaries for Linux, Windows and macOS (arm64), and on Linux needs glibc 2.28 or newer',
      { cause },
    );
  }
}
