// What a failed attempt to compute on a device says, as cause and cure. ONNX Runtime's exceptions do not name the
// cause: the loader's messages on standard error do.

interface Explanation {
  readonly pattern: RegExp;
  readonly cause: string;
  readonly cure: string;
}

const cudaVersion = 'CUDA 13 with cuDNN 9';

const explanations: readonly Explanation[] = [
  {
    pattern: /providers_(?:shared|cuda)\S*: cannot open shared object|providers_(?:shared|cuda)\S* which is missing/,
    cause: "ONNX Runtime's CUDA provider is not installed",
    cure: 'run `npm rebuild onnxruntime-node` with its install script allowed, which downloads it on Linux x64',
  },
  {
    pattern: /libcuda\.so\S*: cannot open/,
    cause: 'there is no NVIDIA driver (libcuda.so.1)',
    cure: 'install the driver, or in a container pass the GPU through (docker run --gpus all)',
  },
  {
    pattern: /(?<library>lib(?:cu|nv)\w+\.so[.\d]*): cannot open shared object/,
    cause: 'the CUDA library $<library> is not found',
    cure: `install ${cudaVersion} and put their folders into LD_LIBRARY_PATH before Node starts`,
  },
  {
    pattern: /cuDNN is unavailable/,
    cause: 'cuDNN is not found',
    cure: 'install cuDNN 9 for CUDA 13 and put its folder into LD_LIBRARY_PATH before Node starts',
  },
  {
    pattern: /CUDA failure 100|no CUDA-capable device/,
    cause: 'there is no NVIDIA GPU',
    cure: 'check nvidia-smi, and that CUDA_VISIBLE_DEVICES does not hide it',
  },
  {
    pattern: /CUDA failure 35|driver version is insufficient/,
    cause: 'the NVIDIA driver is too old for CUDA 13',
    cure: 'update the driver to 580 or newer',
  },
  {
    pattern: /no kernel image is available/,
    cause: 'ONNX Runtime has no kernels for this GPU',
    cure: 'use a GPU of compute capability 7.5, 8.0, 8.6, 8.9, 9.0 or 12.0',
  },
  {
    pattern: /No supported adapters|Failed to get a WebGPU adapter/i,
    cause: 'there is no GPU that WebGPU can use',
    cure: 'install a Vulkan driver (Linux), or use a machine with a GPU; VK_ICD_FILENAMES names a driver by hand',
  },
];

/** `cause; cure` for what a probe printed; its last line if nothing in it is known. */
export function explainFailure(output: string): string {
  for (const { pattern, cause, cure } of explanations) {
    const found = pattern.exec(output);
    if (found) return `${cause.replace('$<library>', found.groups?.library ?? '')}; ${cure}`;
  }
  return output.trim().split('\n').at(-1) || 'the attempt ended without a message';
}
