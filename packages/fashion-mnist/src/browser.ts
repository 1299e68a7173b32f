// The exports that need no files, for browsers: `@bn/fashion-mnist/browser`. The images are in `@bn/fashion-mnist/data/`.

export { fashionMnistClassNames } from './class-names.js';
