import { expect, test } from 'vitest';
import { explainFailure } from '../src/explain-failure.js';

// What libtensorflow 2.21.0 and the dynamic loader print.
test.each([
  [
    'I0000 00:00:1.1 1 cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will not be used.\n' +
      'E0000 00:00:1.2 1 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit\n' +
      'TensorFlow uses no GPU',
    'there is no NVIDIA driver (libcuda.so.1)',
  ],
  [
    'E0000 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)',
    'there is no NVIDIA driver (libcuda.so.1)',
  ],
  ['failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected', 'there is no NVIDIA GPU'],
  [
    'W0000 gpu_device.cc:2344] Cannot dlopen some GPU libraries. Please make sure the missing libraries are installed\n' +
      'Skipping registering GPU devices...\nTensorFlow uses no GPU',
    'libraries of CUDA are not found',
  ],
  [
    'libtensorflow_cc.so.2: cannot open shared object file: No such file or directory',
    'libtensorflow_cc.so.2 is not found beside the binding',
  ],
  [
    "/lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by tfjs_binding.node)",
    "this system's C or C++ library is too old for libtensorflow",
  ],
  ['\nthe attempt was ended by SIGILL', 'this processor lacks instructions that libtensorflow was compiled for (AVX)'],
  ['TensorFlow uses no GPU', 'libtensorflow found no GPU that it can use, or was built without CUDA'],
  ['something new\nhappened', 'happened'],
  ['', 'the attempt ended without a message'],
])('%j', (output, cause) => {
  expect(explainFailure(output).cause).toBe(cause);
});
