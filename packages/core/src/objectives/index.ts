// The objectives.

export { type ClassificationOptions, classification } from './classification.js';
export { multiLabel } from './multi-label.js';
export type { Objective, Task } from './objective.js';
export { regression } from './regression.js';
