// The package's exports.

export { fashionMnist, fashionMnistClassNames } from './fashion-mnist.js';
