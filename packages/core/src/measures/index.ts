// What the answers for all examples say together.

export * from './confusion.js';
export { measureValues, type ValueMeasures } from './values.js';
