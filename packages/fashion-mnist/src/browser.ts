// The exports that need no files, for browsers: `@bn/fashion-mnist/browser`. The images are in `@bn/fashion-mnist/data/`.

export { fashionMnistClassNames, fashionMnistOutline } from './outline.js';
