// From a data set to batches: which examples go together, and their bytes one after another.

import { checkFeatures, checkLabels, elementsOf } from '../check-examples.js';
import type { Dataset, DatasetOutline, LoadingContext } from '../dataset.js';
import { BnError } from '../errors.js';
import { type Model, traceOn } from '../model.js';
import { createGenerator, streams } from '../random.js';
import { createArray, formatShape, type Spec, sizeOf, staticShape, type TypedArray } from '../spec.js';
import type { BatchSpec } from './step-graph.js';

/** Features and labels of some examples, row-major. */
export interface Batch {
  readonly features: TypedArray;
  readonly labels: TypedArray;
}

const classIndex: Spec = { shape: [], dtype: 'int32' };

/** Specs of a batch of `size` examples. */
export function batchSpec({ features, labels = classIndex }: DatasetOutline, size: number): BatchSpec {
  return {
    features: { shape: [size, ...features.shape], dtype: features.dtype },
    labels: { shape: [size, ...labels.shape], dtype: labels.dtype },
  };
}

/**
 * Start and end of each batch: `batchSize` examples each, the rest in a smaller last one.
 *
 * @throws `argument` unless both are positive integers.
 */
export function batchRanges(length: number, batchSize: number): [number, number][] {
  if (![length, batchSize].every((n) => Number.isSafeInteger(n) && n > 0)) {
    const seen = `a data set of ${length} examples cannot be taken in batches of ${batchSize}`;
    throw new BnError('argument', `${seen}; both must be positive integers`);
  }
  const starts = Array.from({ length: Math.ceil(length / batchSize) }, (_, i) => i * batchSize);
  return starts.map((start) => [start, Math.min(length, start + batchSize)]);
}

/**
 * The examples at `indices` as one batch.
 *
 * @throws `data` naming the example, if its features or label have another size than the data set says, or numbers that are
 * out of their range: a label that is no class index, a pixel above 255, NaN.
 */
export function assembleBatch(dataset: Dataset, indices: ArrayLike<number>): Batch {
  const { features, labels } = emptyBatch(dataset, indices.length);
  const width = features.length / indices.length;
  const labelWidth = labels.length / indices.length;
  if (dataset.fill) {
    dataset.fill(indices, features, labels);
    checkLabels(dataset, labels, (at) => indices[Math.floor(at / labelWidth)]!);
    return { features, labels };
  }
  for (let i = 0; i < indices.length; i++) {
    const example = dataset.get(indices[i]!);
    const label = typeof example.label === 'number' ? [example.label] : example.label;
    if (example.features.length !== width || label.length !== labelWidth) {
      const seen = `example ${indices[i]} has ${example.features.length} features and ${label.length} label value(s)`;
      const expected = `${width} (${formatShape(dataset.features.shape)}) and ${labelWidth}`;
      throw new BnError('data', `${seen}, expected ${expected}; check the data set's get() and specs`);
    }
    checkFeatures(dataset.features.dtype, example.features, () => indices[i]!);
    checkLabels(dataset, label, () => indices[i]!);
    features.set(example.features, i * width);
    labels.set(label, i * labelWidth);
  }
  return { features, labels };
}

function emptyBatch(outline: DatasetOutline, size: number): Batch {
  const { features, labels } = batchSpec(outline, size);
  return {
    features: createArray(features.dtype, sizeOf(features.shape)),
    labels: createArray(labels.dtype, sizeOf(labels.shape)),
  };
}

/**
 * The examples at `indices` as one batch, at once or as a promise: see `Dataset.load`. Throws as `assembleBatch` does.
 *
 * @param epoch from 0; null outside training
 */
export function loadBatch(
  dataset: Dataset,
  indices: ArrayLike<number>,
  { seed, epoch }: { readonly seed: number; readonly epoch: number | null },
): Batch | Promise<Batch> {
  if (!dataset.load) return assembleBatch(dataset, indices);
  const batch = emptyBatch(dataset, indices.length);
  const width = batch.labels.length / indices.length;
  const at: LoadingContext = {
    epoch,
    generatorOf: (index) => createGenerator(seed, streams.examples, epoch ?? -1, index),
  };
  return dataset.load(indices, batch.features, batch.labels, at).then(() => {
    checkLabels(dataset, batch.labels, (position) => indices[Math.floor(position / width)]!);
    return batch;
  });
}

/** Why the model cannot train on a single example, as with batch normalization after a dense layer; null if it can. */
export function refusalOfOne(model: Model, outline: DatasetOutline): BnError | null {
  try {
    traceOn(model, batchSpec(outline, 1).features, { training: true });
    return null;
  } catch (error) {
    if (error instanceof BnError) return error;
    throw error;
  }
}

/** Spec of features that someone passes as a bare array; throws `shape` unless it holds whole examples of the model. */
export function featureSpec(model: Model, features: TypedArray): Spec {
  const shape = staticShape(model.input.shape.slice(1));
  const batch = features.length / sizeOf(shape);
  if (!Number.isInteger(batch) || batch === 0) {
    const seen = `${features.length} feature values are no whole number of examples of ${formatShape(shape)}`;
    throw new BnError('shape', `${seen}; pass all values of each example`);
  }
  return { shape: [batch, ...shape], dtype: dtypeOf(features) };
}

/** Specs of a batch that someone passes as bare arrays: [batch] labels, or [batch, values] if there are several each. */
export function specOf(model: Model, { features, labels }: Batch): BatchSpec {
  const spec = featureSpec(model, features);
  const [batch] = spec.shape as [number];
  const shape = labels.length === batch ? [batch] : [batch, labels.length / batch];
  return { features: spec, labels: { shape, dtype: dtypeOf(labels) } };
}

function dtypeOf(data: TypedArray): Spec['dtype'] {
  return elementsOf(data) ?? 'float32';
}
