// What ONNX Runtime 1.30.0 printed in each state of a machine, and what is made of it.

import { expect, test } from 'vitest';
import { explainFailure } from '../src/explain-failure.js';

const load = 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library';

test.each([
  [
    'libonnxruntime_providers_shared.so: cannot open shared object file',
    /provider is not installed/,
    /setup|Linux x64/,
  ],
  ['libonnxruntime_providers_cuda.so: cannot open shared object file', /provider is not installed/, /setup|Linux x64/],
  [
    'with error: libcublasLt.so.13: cannot open shared object file',
    /libcublasLt\.so\.13 is not found/,
    /setup onnxruntime --cuda; or .*LD_LIBRARY_PATH/,
  ],
  ['provider of version 1.29.0, runtime of 1.30.0', /is version 1\.29\.0, but onnxruntime-node is 1\.30\.0/, /setup/],
  ['with error: libcuda.so.1: cannot open shared object file', /no NVIDIA driver/, /--gpus/],
  ['CUDA failure 100: no CUDA-capable device is detected', /no NVIDIA GPU/, /nvidia-smi/],
  ['CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version', /too old/, /update the driver/],
  ['NOT_IMPLEMENTED : cuDNN is unavailable or disabled for CUDA Execution Provider', /cuDNN is not found/, /cuDNN 9/],
  ['Failed to get a WebGPU adapter: No supported adapters', /no GPU that WebGPU can use/, /Vulkan/],
])('%s', (message, cause, cure) => {
  const explained = explainFailure(`${load}\n${message}\n`);
  expect(explained.cause).toMatch(cause);
  expect(explained.cure).toMatch(cure);
});

test('an unknown failure is quoted', () => {
  expect(explainFailure('first\nwhat went wrong\n').cause).toBe('what went wrong');
  expect(explainFailure('').cause).toMatch(/without a message/);
});
