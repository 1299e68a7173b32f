// What the answers for all examples say together.

export { type ClassMeasures, type Confusion, countConfusion, type Measures, measure, mistakesIn } from './confusion.js';
export { measureLabels } from './labels.js';
export { measureValues, type ValueMeasures } from './values.js';
