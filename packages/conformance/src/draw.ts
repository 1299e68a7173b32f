// Random shapes, values and windows for the random cases.

import { type DType, type Generator, type PoolingGeometry, sizeOf } from '@bn/core';
import { type HostValue, hostValue } from './host-value.js';

export class Draw {
  readonly #random: Generator;

  constructor(random: Generator) {
    this.#random = random;
  }

  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + this.#random.integer(high - low + 1);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.#random.integer(choices.length)];
  }

  shape(rank: number, largest = 5): number[] {
    return Array.from({ length: rank }, () => this.integer(1, largest));
  }

  /** Normal numbers, rounded to float32. */
  normal(shape: readonly number[]): HostValue {
    return this.#values(shape, () => Math.fround(this.#random.normal()));
  }

  /** Uniform float32 numbers from 0 to 1. */
  uniform(shape: readonly number[]): HostValue {
    return this.#values(shape, () => this.#random.uniform());
  }

  /** Uniform numbers from 0.5 to 1.5, rounded to float32. */
  positive(shape: readonly number[]): HostValue {
    return this.#values(shape, () => Math.fround(0.5 + this.#random.uniform()));
  }

  indices(shape: readonly number[], below: number): HostValue {
    return this.#values(shape, () => this.#random.integer(below), 'int32');
  }

  #values(shape: readonly number[], draw: () => number, dtype?: DType): HostValue {
    return hostValue(Array.from({ length: sizeOf(shape) }, draw), shape, dtype);
  }

  permutation(rank: number): number[] {
    const rest = Array.from({ length: rank }, (_, i) => i);
    return Array.from({ length: rank }, () => rest.splice(this.#random.integer(rest.length), 1)[0]);
  }

  axes(rank: number): number[] {
    const chosen = Array.from({ length: rank }, (_, i) => i).filter(() => this.#random.integer(2) === 0);
    return chosen.length > 0 ? chosen : [this.#random.integer(rank)];
  }

  /** A shape that broadcasts to `shape`: some axes of size 1, some leading axes left out. */
  narrowed(shape: readonly number[]): number[] {
    const stretched = shape.map((n) => (this.#random.integer(3) === 0 ? 1 : n));
    return stretched.slice(this.#random.integer(3) === 0 ? this.#random.integer(shape.length + 1) : 0);
  }

  window(channels: number): { x: number[]; geometry: PoolingGeometry } {
    const kernelSize = [this.integer(1, 3), this.integer(1, 3)] as const;
    const dilation = [this.integer(1, 2), this.integer(1, 2)] as const;
    const extent = kernelSize.map((n, i) => (n - 1) * dilation[i] + 1);
    const less = (n: number) => this.integer(0, Math.floor(n / 2));
    const padding = [less(kernelSize[0]), less(kernelSize[1]), less(kernelSize[0]), less(kernelSize[1])] as const;
    const size = extent.map((n) => n + this.integer(0, 6));
    const stride = [this.integer(1, 3), this.integer(1, 3)] as const;
    return { x: [this.integer(1, 3), channels, ...size], geometry: { kernelSize, stride, padding, dilation } };
  }
}
