// The package's exports.

export type { IdxOptions } from './decode-idx.js';
export { type DecodeImageOptions, decodeImage } from './decode-image.js';
export { imageEndings } from './image-formats.js';
export { type CsvOptions, loadCsv } from './load-csv.js';
export { type IdxFiles, loadIdx } from './load-idx.js';
export { loadImageFolder } from './load-image-folder.js';
export { MemoryDataset } from './memory-dataset.js';
export { relabel } from './relabel.js';
export { split } from './split.js';
export { subset } from './subset.js';
