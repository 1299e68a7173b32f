// Where libtensorflow and the compiled binding lie: the agreement between the setup command, which fills the folder, and
// the loader, which reads it.
//
//   tfjs_binding.node             TensorFlow.js's binding, compiled from the sources in @tensorflow/tfjs-node-gpu;
//                                 it finds the libraries by its run path $ORIGIN/tensorflow
//   tensorflow/libtensorflow_cc.so.2, libtensorflow_framework.so.2
//   nvidia/*/lib/*.so             CUDA's libraries, for the variant with CUDA; libtensorflow_cc finds them by its own
//                                 run path $ORIGIN/../nvidia/*/lib
//   setup.json                    a SetupRecord

import { homedir } from 'node:os';
import { join } from 'node:path';

export const bindingFile = 'tfjs_binding.node';
/** @public */
export const librariesFolder = 'tensorflow';
export const cudaLibrariesFolder = 'nvidia';
export const setupFile = 'setup.json';

/**
 * This version of libtensorflow and that of the binding's sources were tried together.
 * @public
 */
export const tensorflowVersion = '2.21.0';
/** @public */
export const tfjsVersion = '4.22.0';

/** What the setup command did. */
export interface SetupRecord {
  readonly variant: 'cpu' | 'cuda';
  readonly tensorflow: string;
  readonly tfjs: string;
}

/** The environment variable that names another folder. */
export const folderVariable = 'BN_NATIVE_DIR';

/** The folder in use: what the variable names, else one in the user's cache. */
export function nativeFolder(): string {
  return process.env[folderVariable] || join(cacheFolder(), 'bn', `tensorflow-${tensorflowVersion}`);
}

function cacheFolder(): string {
  if (process.platform === 'win32') return process.env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  return process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
}
