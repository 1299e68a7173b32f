// The package's exports.

export type { TargetOptions } from './csv-targets.js';
export type { IdxOptions } from './decode-idx.js';
export {
  type DecodeImageOptions,
  decodeImage,
  type ImageFacts,
  type ImageSize,
  readImageFacts,
} from './decode-image.js';
export { imageEndings } from './image-formats.js';
export { type CsvOptions, loadCsv } from './load-csv.js';
export { type IdxFiles, idxName, loadIdx } from './load-idx.js';
export { glanceAtImageFolder, type ImageGlance, isHidden, loadImageFolder } from './load-image-folder.js';
export { loadNpz, type NpzParts } from './load-npz.js';
export { MemoryDataset, type MemoryParts } from './memory-dataset.js';
export type { ImageOptions, Loaded, Skipped } from './read-images.js';
export { relabel } from './relabel.js';
export { split } from './split.js';
export { subset } from './subset.js';
