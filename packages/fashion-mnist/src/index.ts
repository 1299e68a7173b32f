// The package's exports.

export { fashionMnistClassNames } from './class-names.js';
export { fashionMnist } from './fashion-mnist.js';
