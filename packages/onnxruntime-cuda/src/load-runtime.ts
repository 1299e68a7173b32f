// Loads onnxruntime-node when it is first needed, so that importing this package costs and breaks nothing.

import { createRequire } from 'node:module';
import { BnError } from '@bn/core';

export type Runtime = typeof import('onnxruntime-node');

/** @throws `backend` if onnxruntime-node is not installed, or its native library does not load. */
export async function loadRuntime(): Promise<Runtime> {
  runtimePath();
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

/** The file of onnxruntime-node's entry point. */
export function runtimePath(): string {
  try {
    return createRequire(import.meta.url).resolve('onnxruntime-node');
  } catch (cause) {
    throw new BnError(
      'backend',
      'onnxruntime-node is not installed; run ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node@1.30.0 ' +
        '(without the variable its install script also downloads CUDA libraries)',
      { cause },
    );
  }
}
