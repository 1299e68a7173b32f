// Where ONNX Runtime's CUDA provider lies, and how it is made known to the process.
//
// ONNX Runtime looks for providers beside its own library, libonnxruntime. That of onnxruntime-node lies in node_modules,
// where nothing is to be written. So the setup puts a copy of libonnxruntime beside the providers; loaded first, it is the
// one that onnxruntime-node's binding gets, for the dynamic linker goes by the library's name.

import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installed, nativeRoot } from '@bn/native';
import { runtimePath } from './runtime-path.js';

export const runtimeLibrary = 'libonnxruntime.so.1';
const onWindows = process.platform === 'win32';
const providerFile = onWindows ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so';

export interface CudaProvider {
  /** The provider's file. */
  readonly file: string;
  /** The copy of ONNX Runtime's library beside it, to be loaded before the binding; none if it is the binding's own. */
  readonly runtime: readonly string[];
  /** CUDA's libraries that the setup has fetched, each before those that need it. */
  readonly libraries: readonly string[];
}

/** What the setup has installed, else what onnxruntime-node's install script has; undefined if there is neither. */
export function findCudaProvider(): CudaProvider | undefined {
  const name = installationName(runtimeVersionInUse());
  const folder = join(nativeRoot(), name);
  if (installed(name) && existsSync(join(folder, providerFile))) {
    return {
      file: join(folder, providerFile),
      runtime: [join(folder, runtimeLibrary)],
      libraries: librariesIn(join(folder, 'nvidia')),
    };
  }
  const file = join(bindingFolder(), providerFile);
  return existsSync(file) ? { file, runtime: [], libraries: [] } : undefined;
}

/** The name of the folder for a version of onnxruntime-node. */
export function installationName(version: string): string {
  return `onnxruntime-${version}`;
}

/** The folder of onnxruntime-node's native files for this platform. */
export function bindingFolder(): string {
  return join(dirname(runtimePath()), '..', 'bin', 'napi-v6', process.platform, process.arch);
}

/** The version of onnxruntime-node. */
export function runtimeVersionInUse(): string {
  return JSON.parse(readFileSync(join(dirname(runtimePath()), '..', 'package.json'), 'utf8')).version;
}

/**
 * The version that a provider was built for, which ONNX Runtime itself does not compare: it stands inside. undefined if
 * it is not found there.
 */
export function providerVersion(file: string): string | undefined {
  const handle = openSync(file, 'r');
  const overlap = 32;
  const block = Buffer.alloc(1 << 22);
  try {
    for (let position = 0; ; position += block.length - overlap) {
      const length = readSync(handle, block, 0, block.length, position);
      const found = /\0(\d+\.\d+\.\d+)\0/.exec(block.toString('latin1', 0, length));
      if (found) return found[1];
      if (length < block.length) return undefined;
    }
  } finally {
    closeSync(handle);
  }
}

const loadingOrder = ['libcudart', 'libcublasLt', 'libcublas', 'libcurand', 'libcudnn'];

function librariesIn(folder: string): string[] {
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  return loadingOrder.flatMap((name) =>
    files
      .filter((file) => new RegExp(`(?:^|[/\\\\])${name}\\.so\\.\\d+$`).test(file))
      .map((file) => join(folder, file)),
  );
}
