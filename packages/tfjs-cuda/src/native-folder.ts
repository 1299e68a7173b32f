// Where libtensorflow and the compiled binding lie: the agreement between the setup command, which fills the folder, and
// the loader, which reads it.
//
//   tfjs_binding.node             TensorFlow.js's binding, compiled from the sources in @tensorflow/tfjs-node-gpu;
//                                 it finds the libraries by its run path $ORIGIN/tensorflow
//   tensorflow/libtensorflow_cc.so.2, libtensorflow_framework.so.2
//   nvidia/*/lib/*.so             CUDA's libraries, for the variant with CUDA; libtensorflow_cc finds them by its own
//                                 run path $ORIGIN/../nvidia/*/lib
//   setup.json                    a SetupRecord

import { join } from 'node:path';
import { nativeRoot, type SetupAdvice, setupAdvice } from '@bn/native';

export const bindingFile = 'tfjs_binding.node';
export const librariesFolder = 'tensorflow';
export const cudaLibrariesFolder = 'nvidia';
export const setupFile = 'setup.json';

/** This version of libtensorflow and that of the binding's sources were tried together. */
export const tensorflowVersion = '2.21.0';
export const tfjsVersion = '4.22.0';

/** What the setup command did. */
export type SetupRecord = {
  readonly variant: 'cpu' | 'cuda';
  readonly tensorflow: string;
  readonly tfjs: string;
};

/** The folder's name among those of all native libraries. */
export const nativeFolderName = `tensorflow-${tensorflowVersion}`;

/** The folder in use; BN_NATIVE_DIR moves it. */
export function nativeFolder(): string {
  return join(nativeRoot(), nativeFolderName);
}

/** What to do to install it. */
export const advice: SetupAdvice = setupAdvice(
  import.meta.dirname,
  'tfjs',
  `use engine wasm or js; npm install @tensorflow/tfjs-node@${tfjsVersion} may bring a libtensorflow for macOS and Windows, ` +
    'by its own install script, and what it has installed is found and used',
);
