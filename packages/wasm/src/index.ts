// The public names of @bn/wasm.

export { compileAhead } from './ahead/compile-ahead.js';
export { createBackend, diagnose, type WasmBackendOptions } from './create-backend.js';
export type { Passes } from './pipeline.js';
export type { WebWorker } from './run/web-worker.js';
