// Installs what ONNX Runtime needs to compute on CUDA.

import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BnError } from '@bn/core';
import { type Installation, install, type SetupOptions, uninstall } from '@bn/native';
import {
  bindingFolder,
  installationName,
  providerVersion,
  runtimeLibrary,
  runtimeVersionInUse,
} from '../cuda-provider.js';
import { advice } from '../setup-advice.js';
import { systemHasCuda } from './system-libraries.js';
import { cudaLibraries, provider, runtimeVersion } from './wheels.js';

/**
 * With `cuda`, fetches ONNX Runtime's CUDA provider, and CUDA 13 and cuDNN 9 where the system has none, into the user's
 * cache: 1.2 GB. Without, there is nothing to do: the CPU and WebGPU are inside onnxruntime-node.
 *
 * @throws BnError `unsupported` where there is no provider for the platform or for the version of onnxruntime-node; `file`
 * if a download fails
 */
export async function setup(options: SetupOptions = {}): Promise<void> {
  const { cuda, remove, say = () => {} } = options;
  const version = runtimeVersionInUse();
  if (remove) return uninstall(installationName(version), options);
  if (!cuda) {
    return say(
      `the CPU and WebGPU are inside onnxruntime-node ${version}: nothing to do; --cuda installs what CUDA needs`,
    );
  }
  advice.requirePlatform();
  if (version !== runtimeVersion) {
    throw new BnError(
      'unsupported',
      `onnxruntime-node ${version} is installed, but the CUDA provider is for ${runtimeVersion}, and the two must match; ` +
        `install onnxruntime-node@${runtimeVersion}`,
    );
  }
  await install(installation(), options);
}

function installation(): Installation {
  const system = systemHasCuda();
  return {
    name: installationName(runtimeVersion),
    wheels: system ? [provider] : [provider, ...cudaLibraries],
    record: { onnxruntime: runtimeVersion, cuda: system ? "the system's" : '13.0' },
    async finish(folder) {
      const found = providerVersion(join(folder, 'libonnxruntime_providers_cuda.so'));
      if (found !== runtimeVersion) {
        throw new BnError(
          'file',
          `the CUDA provider is version ${found} instead of ${runtimeVersion}; run the setup again`,
        );
      }
      await copyFile(join(bindingFolder(), runtimeLibrary), join(folder, runtimeLibrary));
    },
  };
}
