// The package's exports.

export { createBackend, diagnose, type ReferenceOptions } from './create-backend.js';
