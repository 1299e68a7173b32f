// The exports that need no files, for browsers: `@bn/datasets/browser`.

export { decodeIdx, type IdxBytes, type IdxOptions } from './decode-idx.js';
export { fetchIdx } from './fetch-idx.js';
export { MemoryDataset } from './memory-dataset.js';
export { relabel } from './relabel.js';
export { split } from './split.js';
export { subset } from './subset.js';
