// What a failed attempt to compute on a device says, as cause and cure. ONNX Runtime's exceptions do not name the
// cause: the loader's messages on standard error do.

import { advice } from './setup-advice.js';

export interface Explanation {
  readonly cause: string;
  /** What to do. */
  readonly cure: string;
}

const explanations: readonly (Explanation & { readonly pattern: RegExp })[] = [
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
  {
    pattern: /libcuda\.so\S*: cannot open/,
    cause: 'there is no NVIDIA driver (libcuda.so.1)',
    cure: 'install the driver, or in a container pass the GPU through (docker run --gpus all)',
  },
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
  {
    pattern: /CUDA failure 100|no CUDA-capable device/,
    cause: 'there is no NVIDIA GPU',
    cure: 'check nvidia-smi, and that CUDA_VISIBLE_DEVICES does not hide it',
  },
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
  for (const { pattern, cause, cure } of explanations) {
    const found = pattern.exec(output);
    if (found) return { cause: cause.replace(/\$(\d)/g, (_, i) => found[i] ?? ''), cure };
  }
  const lastLine = output.trim().split('\n').at(-1);
  return { cause: lastLine || 'the attempt ended without a message', cure: 'use another device' };
}
