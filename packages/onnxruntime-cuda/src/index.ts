// The public names of @bn/onnxruntime-cuda.

export { createBackend, type OnnxRuntimeOptions } from './create-backend.js';
export { diagnose } from './diagnose.js';
export { setup } from './setup/setup.js';
