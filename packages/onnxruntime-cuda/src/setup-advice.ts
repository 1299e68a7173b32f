// What to do to install what CUDA needs.

import { type SetupAdvice, setupAdvice } from '@bn/native';
import { runtimeVersion } from './setup/wheels.js';

export const advice: SetupAdvice = setupAdvice(
  import.meta.dirname,
  'onnxruntime',
  process.platform === 'win32'
    ? `use device webgpu or cpu; for CUDA on Windows x64 put the DLLs of the Python package onnxruntime-gpu ${runtimeVersion} ` +
        `into onnxruntime-node's folder bin/napi-v6/win32/x64, and CUDA 13 and cuDNN 9 into PATH`
    : 'use device webgpu or cpu',
);
