// The public names of @bn/onnxruntime-cuda.

export { createBackend, type OnnxRuntimeOptions } from './create-backend.js';
export { diagnose } from './diagnose.js';
export { type ModelValue, type OpenModel, openModel } from './open-model.js';
export { setup } from './setup/setup.js';
