// What to do to install libtensorflow.

import { type SetupAdvice, setupAdvice } from '@bn/native';
import { tfjsVersion } from './native-folder.js';

export const advice: SetupAdvice = setupAdvice(
  import.meta.dirname,
  'tfjs',
  `use engine wasm or js; npm install @tensorflow/tfjs-node@${tfjsVersion} may bring a libtensorflow for macOS and Windows, ` +
    'by its own install script, and what it has installed is found and used',
);
