// A data set held in memory: uint8 or float32 features; class indices, or several values per example.

import {
  BnError,
  checkFeatures,
  checkLabels,
  type Dataset,
  type Example,
  formatShape,
  type Spec,
  sizeOf,
  type TypedArray,
} from '@bn/core';

export interface MemoryParts {
  /** The examples one after another, each row-major in `shape` (images: `[channels, height, width]`). */
  readonly features: Uint8Array | Float32Array;
  readonly shape: readonly number[];
  /** One class index per example; or float32: a 0 or 1 for each of several labels, or the values of a regression. */
  readonly labels: Int32Array | Float32Array;
  readonly classNames?: readonly string[] | undefined;
  /** Names of a regression's values. */
  readonly valueNames?: readonly string[] | undefined;
}

export class MemoryDataset implements Dataset {
  readonly length: number;
  readonly features: Spec;
  readonly labels: Spec;
  readonly classNames?: readonly string[] | undefined;
  readonly valueNames?: readonly string[] | undefined;
  readonly #features: Uint8Array | Float32Array;
  readonly #labels: Int32Array | Float32Array;
  readonly #size: number;
  /** Label values of an example. */
  readonly #width: number;

  /**
   * Wraps arrays without copying them.
   *
   * @throws BnError `shape` when features and labels are not those of a whole number of examples; `data` when a class index
   * is negative or has no name in `classNames`, a label is neither 0 nor 1, or a number is not finite.
   */
  constructor({ features, shape, labels, classNames, valueNames }: MemoryParts) {
    // By the tag, which is the same for a Buffer and in another realm.
    const isUint8 = features[Symbol.toStringTag] === 'Uint8Array';
    const areClasses = labels[Symbol.toStringTag] === 'Int32Array';
    this.#size = sizeOf(shape);
    this.length = areClasses ? labels.length : features.length / this.#size;
    this.#width = labels.length / this.length;
    this.features = { shape, dtype: isUint8 ? 'uint8' : 'float32' };
    this.labels = areClasses ? { shape: [], dtype: 'int32' } : { shape: [this.#width], dtype: 'float32' };
    if (classNames) this.classNames = classNames;
    if (valueNames) this.valueNames = valueNames;
    // A plain view, even of a Buffer: parts of a Buffer are Buffers, slower to make and surprising to see.
    this.#features = isUint8 ? new Uint8Array(features.buffer, features.byteOffset, features.length) : features;
    this.#labels = labels;
    const isWhole = Number.isInteger(this.length) && Number.isInteger(this.#width);
    if (!isWhole || features.length !== this.length * this.#size) {
      const examples = `${labels.length} examples of shape ${formatShape(shape)}`;
      const problem = `${features.length} feature values are not ${examples}`;
      throw new BnError('shape', `${problem}; give as many labels as examples`);
    }
    checkFeatures(this.features.dtype, features, (at) => Math.floor(at / this.#size));
    checkLabels(this, labels, (at) => Math.floor(at / this.#width));
  }

  /** One example; its features are a view of the data set's memory. Throws `argument` when there is no such example. */
  get(index: number): Example {
    this.#check(index);
    const label = this.labels.shape.length === 0 ? this.#labels[index]! : this.#labelsAt(index);
    return { features: this.#at(index), label };
  }

  /** Copies the examples at `indices` one after another. Throws `argument` when there is no such example. */
  fill(indices: ArrayLike<number>, features: TypedArray, labels: TypedArray): void {
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!;
      this.#check(index);
      features.set(this.#at(index), i * this.#size);
      if (this.#width === 1) labels[i] = this.#labels[index]!;
      else labels.set(this.#labelsAt(index), i * this.#width);
    }
  }

  #at(index: number): Uint8Array | Float32Array {
    return this.#features.subarray(index * this.#size, (index + 1) * this.#size);
  }

  #labelsAt(index: number): Int32Array | Float32Array {
    return this.#labels.subarray(index * this.#width, (index + 1) * this.#width);
  }

  #check(index: number): void {
    if (!(Number.isInteger(index) && index >= 0 && index < this.length)) {
      throw new BnError('argument', `there is no example ${index}; indices go from 0 to ${this.length - 1}`);
    }
  }
}
