// The package's exports.

export { fashionMnist } from './fashion-mnist.js';
export { fashionMnistClassNames, fashionMnistOutline } from './outline.js';
