// The engine in plain JavaScript: runs everywhere, slowly.

import { createArray, sizeOf } from '@bn/core';
import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { ElementArray, Engine } from '../engine.js';
import { avgPoolGradient, cast, maxPoolGradient, transpose } from './host-kernels.js';
import { RegisteredKernels } from './registered-kernels.js';

export async function createJavaScriptEngine(): Promise<Engine> {
  const { MathBackendCPU } = await import('@tensorflow/tfjs-backend-cpu');
  const { getKernelsForBackend } = await import('@tensorflow/tfjs-core');
  const backend: MathBackendCPU = new MathBackendCPU();
  // Keeps it from printing that there is something faster.
  (backend as unknown as { firstUse: boolean }).firstUse = false;
  const device = { kind: 'cpu', description: 'cpu (TensorFlow.js, JavaScript, 1 thread)' } as const;
  return new RegisteredKernels('js', device, {
    backend,
    kernels: getKernelsForBackend('cpu'),
    hostKernels: { Cast: cast, Transpose: transpose, AvgPoolGrad: avgPoolGradient, MaxPoolGrad: maxPoolGradient },
    allocate: (shape, dtype) =>
      backend.makeTensorInfo([...shape], dtype, createArray(dtype, sizeOf(shape)) as ElementArray),
    elements: ({ dataId }) => backend.data.get(dataId).values as ElementArray,
  });
}
