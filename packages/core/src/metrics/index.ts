// The metrics.

export { absoluteError } from './absolute-error.js';
export { accuracy } from './accuracy.js';
export { labelAccuracy } from './label-accuracy.js';
export type { Metric } from './metric.js';
export { topAccuracy } from './top-accuracy.js';
