// Finds onnxruntime-node, without loading it.

import { createRequire } from 'node:module';
import { BnError } from '@bn/core';

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
