// What a failed attempt to compute on a device says, as cause and cure. ONNX Runtime's exceptions do not name the
// cause: the loader's messages on standard error do.

import { absentHardware, type Explanation, explain, type KnownFailure } from '@bn/native';
import { advice } from './setup-advice.js';

const known: readonly KnownFailure[] = [
  {
    pattern: /providers_(?:shared|cuda)\S*: cannot open shared object/,
    cause: "ONNX Runtime's CUDA provider is not installed",
    cure: advice.cure('install it, if there is an NVIDIA GPU', '--cuda'),
  },
  {
    pattern: /provider of version (\S+), runtime of (\S+)/,
    cause: "ONNX Runtime's CUDA provider is version $1, but onnxruntime-node is $2",
    cure: advice.cure('install the provider that fits', '--cuda'),
  },
  { pattern: /libcuda\.so\S*: cannot open/, ...absentHardware.driver },
  {
    pattern: /(lib(?:cu|nv)\w+\.so[.\d]*): cannot open shared object/,
    cause: 'the CUDA library $1 is not found',
    cure: `${advice.cure('install it', '--cuda')}; or put the folders of the CUDA of that number and of cuDNN 9 into LD_LIBRARY_PATH before Node starts`,
  },
  {
    pattern: /cuDNN is unavailable/,
    cause: 'cuDNN is not found',
    cure: `${advice.cure('install it', '--cuda')}; or put the folder of the cuDNN 9 for the CUDA in use into LD_LIBRARY_PATH before Node starts`,
  },
  { pattern: /CUDA failure 100|no CUDA-capable device/, ...absentHardware.gpu },
  {
    pattern: /CUDA failure 35|driver version is insufficient/,
    cause: 'the NVIDIA driver is too old for the CUDA in use',
    cure: 'update the driver; CUDA 13 takes 580 or newer',
  },
  {
    pattern: /no kernel image is available/,
    cause: 'ONNX Runtime has no kernels for this GPU',
    cure: 'use a GPU of compute capability 7.5, 8.0, 8.6, 8.9, 9.0 or 12.0',
  },
  {
    pattern: /No supported adapters|Failed to get a WebGPU adapter/i,
    cause: 'there is no GPU that WebGPU can use',
    cure: 'on Linux install a Vulkan driver, or name one in VK_ICD_FILENAMES',
  },
];

/** Why a probe that printed this failed. */
export function explainFailure(output: string): Explanation {
  return explain(output, known, 'use another device');
}
