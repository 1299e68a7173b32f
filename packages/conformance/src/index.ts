// The package's exports.

export { type ConformanceOptions, conformance } from './conformance.js';
export { describeWith, type Requirement } from './requirement.js';
export type { Gap } from './suite.js';
export { type Precision, type Tolerances, tolerances } from './tolerances.js';
