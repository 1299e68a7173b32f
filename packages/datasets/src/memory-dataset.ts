// A data set held in memory: uint8 features, int32 class indices.

import { BnError, type Dataset, type Example, formatShape, type Spec, sizeOf, type TypedArray } from '@bn/core';

export class MemoryDataset implements Dataset {
  readonly length: number;
  readonly features: Spec;
  readonly labels: Spec = { shape: [], dtype: 'int32' };
  readonly classNames?: readonly string[];
  readonly #features: Uint8Array;
  readonly #labels: Int32Array;
  readonly #size: number;

  /**
   * Wraps arrays without copying them. `features` holds the examples one after another, each row-major in `shape`
   * (images: `[channels, height, width]`); `labels` holds one class index per example.
   *
   * @throws BnError `shape` when the features do not fill `labels.length` examples; `data` when a label is negative, or
   * has no name in `classNames`.
   */
  constructor(parts: {
    readonly features: Uint8Array;
    readonly shape: readonly number[];
    readonly labels: Int32Array;
    readonly classNames?: readonly string[];
  }) {
    const { features, shape, labels, classNames } = parts;
    this.length = labels.length;
    this.features = { shape, dtype: 'uint8' };
    if (classNames) this.classNames = classNames;
    // A plain view, even of a Buffer: parts of a Buffer are Buffers, slower to make and surprising to see.
    this.#features = new Uint8Array(features.buffer, features.byteOffset, features.length);
    this.#labels = labels;
    this.#size = sizeOf(shape);
    if (features.length !== this.length * this.#size) {
      throw new BnError(
        'shape',
        `${features.length} feature values are not ${this.length} examples of shape ${formatShape(shape)}; give as many labels as examples`,
      );
    }
    const classes = classNames?.length ?? Number.POSITIVE_INFINITY;
    const wrong = labels.findIndex((label) => label < 0 || label >= classes);
    if (wrong >= 0) {
      throw new BnError(
        'data',
        `example ${wrong} has the label ${labels[wrong]}, but ${classNames ? `there are ${classes} class names` : 'class indices start at 0'}; correct the label or the class names`,
      );
    }
  }

  /** One example; its features are a view of the data set's memory. Throws `argument` when there is no such example. */
  get(index: number): Example {
    this.#check(index);
    return { features: this.#at(index), label: this.#labels[index]! };
  }

  /** Copies the examples at `indices` one after another. Throws `argument` when there is no such example. */
  fill(indices: ArrayLike<number>, features: TypedArray, labels: TypedArray): void {
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!;
      this.#check(index);
      features.set(this.#at(index), i * this.#size);
      labels[i] = this.#labels[index]!;
    }
  }

  #at(index: number): Uint8Array {
    return this.#features.subarray(index * this.#size, (index + 1) * this.#size);
  }

  #check(index: number): void {
    if (!(Number.isInteger(index) && index >= 0 && index < this.length)) {
      throw new BnError('argument', `there is no example ${index}; indices go from 0 to ${this.length - 1}`);
    }
  }
}
