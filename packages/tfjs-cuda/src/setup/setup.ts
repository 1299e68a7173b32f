// Installs libtensorflow, and the binding that lets Node call it.

import { install, type SetupOptions, uninstall } from '@bn/native';
import { advice, nativeFolderName, type SetupRecord, tensorflowVersion, tfjsVersion } from '../native-folder.js';
import { compileBinding, findToolchain, type Toolchain } from './compile-binding.js';
import { cudaLibraries, tensorflowCpu, tensorflowCuda } from './wheels.js';

/**
 * Fetches libtensorflow, with `cuda` the one with CUDA and NVIDIA's libraries, into the user's cache, and compiles the
 * binding. An installation with CUDA also serves the CPU.
 *
 * @throws BnError `unsupported` on other platforms than Linux x64 with glibc; `backend` without a C++ compiler; `file` if a
 * download fails
 */
export async function setup(options: SetupOptions = {}): Promise<void> {
  const { cuda = false, remove, say = () => {} } = options;
  if (remove) return uninstall(nativeFolderName, options);
  advice.requirePlatform();
  let toolchain: Toolchain;
  const record = { variant: cuda ? 'cuda' : 'cpu', tensorflow: tensorflowVersion, tfjs: tfjsVersion } as const;
  await install(
    {
      name: nativeFolderName,
      wheels: cuda ? [tensorflowCuda, ...cudaLibraries] : [tensorflowCpu],
      record: record satisfies SetupRecord,
      suffices: ({ variant, tensorflow, tfjs }) =>
        tensorflow === tensorflowVersion && tfjs === tfjsVersion && (variant === record.variant || variant === 'cuda'),
      async prepare() {
        toolchain = await findToolchain();
      },
      async finish(folder) {
        say(`compiling the binding with ${toolchain.compiler}`);
        await compileBinding(folder, toolchain);
      },
    },
    options,
  );
}
