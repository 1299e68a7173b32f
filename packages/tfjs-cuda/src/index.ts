// The public names of @bn/tfjs-cuda.

export { createBackend, type TensorflowOptions } from './create-backend.js';
export { diagnose, type EngineDiagnosis } from './diagnose.js';
export type { EngineName } from './engine.js';
export { findNative, type NativeInstallation } from './native/find-native.js';
export { setup } from './setup/setup.js';
