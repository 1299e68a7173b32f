// Decoded images in a file as a data set: loaded ahead by the trainer, read at once by others.

import { BnError, type Dataset, type Example, type LoadingContext, type Spec, sizeOf, type TypedArray } from '@bn/core';
import type { PixelFile } from './pixel-file.js';

export interface PixelFileParts {
  readonly file: PixelFile;
  readonly shape: readonly number[];
  /** Where each example's pixels begin. */
  readonly positions: ArrayLike<number>;
  /** One class index per example; or float32 values, as many for each. */
  readonly labels: Int32Array | Float32Array;
  readonly classNames?: readonly string[] | undefined;
  readonly valueNames?: readonly string[] | undefined;
}

export class PixelFileDataset implements Dataset {
  readonly length: number;
  readonly features: Spec;
  readonly labels: Spec;
  readonly classNames?: readonly string[] | undefined;
  readonly valueNames?: readonly string[] | undefined;
  readonly #parts: PixelFileParts;
  /** Bytes of an example, and its label values. */
  readonly #size: number;
  readonly #width: number;

  constructor(parts: PixelFileParts) {
    const { shape, positions, labels, classNames, valueNames } = parts;
    this.length = positions.length;
    this.features = { shape, dtype: 'uint8' };
    this.#size = sizeOf(shape);
    this.#width = labels.length / this.length;
    this.labels =
      labels instanceof Int32Array ? { shape: [], dtype: 'int32' } : { shape: [this.#width], dtype: 'float32' };
    if (classNames) this.classNames = classNames;
    if (valueNames) this.valueNames = valueNames;
    this.#parts = parts;
  }

  /** One example, whose features are read when they are asked for: labels alone cost nothing. */
  get(index: number): Example {
    const position = this.#position(index);
    const { file } = this.#parts;
    const size = this.#size;
    return {
      label: this.labels.shape.length === 0 ? this.#parts.labels[index]! : this.#labelsAt(index),
      get features() {
        const pixels = new Uint8Array(size);
        file.readSync(pixels, position);
        return pixels;
      },
    };
  }

  async load(indices: ArrayLike<number>, features: TypedArray, labels: TypedArray, _: LoadingContext): Promise<void> {
    const reads = Array.from(indices, (index, i) => {
      labels.set(this.#labelsAt(index), i * this.#width);
      const into = (features as Uint8Array).subarray(i * this.#size, (i + 1) * this.#size);
      return this.#parts.file.read(into, this.#position(index));
    });
    await Promise.all(reads);
  }

  #labelsAt(index: number): Int32Array | Float32Array {
    return this.#parts.labels.subarray(index * this.#width, (index + 1) * this.#width);
  }

  #position(index: number): number {
    const position = this.#parts.positions[index];
    if (position !== undefined) return position;
    throw new BnError('argument', `there is no example ${index}; indices go from 0 to ${this.length - 1}`);
  }
}
