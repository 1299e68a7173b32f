// What to type to install libtensorflow.

import { setupCommandLine } from '@bn/native';
import type { NativeDevice } from './native/probe-native.js';

export function setupCommand(device: NativeDevice): string {
  return setupCommandLine(import.meta.dirname, 'tfjs', device === 'cuda' ? '--cuda' : '');
}
