// What a failed attempt to compute natively says, as cause and cure. Exceptions do not name the cause: messages on
// standard error do.

import { absentHardware, type Explanation, explain, type KnownFailure } from '@bn/native';
import { advice } from './native-folder.js';

const again = advice.cure('install it again', '--remove, and then without --remove');
const cudaNeeds = 'CUDA 12 and cuDNN 9';

// The first that fits counts: what comes first in the order of loading.
const known: readonly KnownFailure[] = [
  {
    pattern: /GLIBC(?:XX)?_[\d.]+' not found/,
    cause: "this system's C or C++ library is too old for libtensorflow",
    cure: 'use a system with glibc 2.28 and the libstdc++ of GCC 11, or newer',
  },
  {
    pattern: /(libtensorflow\S+): cannot open/,
    cause: '$1 is not found beside the binding',
    cure: again,
  },
  {
    pattern: /ended by SIGILL|illegal instruction|not compiled to use|was compiled to use .* instructions, but/i,
    cause: 'this processor lacks instructions that libtensorflow was compiled for (AVX)',
    cure: 'use engine wasm, or another machine',
  },
  {
    // 303: the library was not found.
    pattern:
      /Could not find cuda drivers|Failed call to cuInit: UNKNOWN ERROR \(303\)|libcuda\.so\S*: cannot open|CUDA_ERROR_STUB_LIBRARY/,
    ...absentHardware.driver,
  },
  { pattern: /CUDA_ERROR_NO_DEVICE|no CUDA-capable device/, ...absentHardware.gpu },
  {
    pattern: /driver version is insufficient|CUDA_ERROR_SYSTEM_DRIVER_MISMATCH/,
    cause: 'the NVIDIA driver is too old for CUDA 12',
    cure: 'update the driver to 525 or newer',
  },
  {
    pattern: /Cannot dlopen some GPU libraries|Could not load dynamic library '?[^';]+/,
    cause: 'libraries of CUDA are not found',
    cure: `${advice.cure('install them', '--cuda')}; or install ${cudaNeeds} and put their folders into LD_LIBRARY_PATH before Node starts`,
  },
  {
    pattern: /DNN library is not found|cuDNN (?:is )?not (?:found|initialized)|CUDNN_STATUS_NOT_INITIALIZED/,
    cause: 'cuDNN does not load',
    cure: `${advice.cure('install it', '--cuda')}; or install ${cudaNeeds}; only one version of cuDNN fits into a process`,
  },
  {
    pattern: /no kernel image is available|CUDA_ERROR_NO_BINARY_FOR_GPU/,
    cause: 'libtensorflow has no kernels for this GPU',
    cure: 'use a GPU of compute capability 6.0 or newer',
  },
  {
    pattern: /TensorFlow uses no GPU/,
    cause: 'libtensorflow found no GPU that it can use, or was built without CUDA',
    cure: `${advice.cure('install the one with CUDA', '--cuda')}; and check nvidia-smi and CUDA_VISIBLE_DEVICES`,
  },
];

/** Cause and cure for what an attempt printed; its last line if nothing in it is known. */
export function explainFailure(output: string): Explanation {
  return explain(output, known, `${again}; or use engine wasm`);
}
