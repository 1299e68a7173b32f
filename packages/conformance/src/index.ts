// The package's exports.

export { conformance } from './conformance.js';
