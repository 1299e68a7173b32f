// A tensor that is filled element by element, up to the first that does not fit.

import { createArray, type DType, formatShape, type TypedArray } from '@bn/core';
import { HttpError } from '../http-error.js';
import { type Datatype, datatypeOf, datatypes, takes } from './datatypes.js';

/** A tensor as a request describes it, and the type that the model takes. */
export interface TensorKind {
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export class TensorWriter {
  readonly datatype: Datatype;
  readonly size: number;
  readonly #site: string;
  readonly #kind: TensorKind;
  readonly #takes: (value: number) => boolean;
  readonly #values: TypedArray;
  #count = 0;

  /**
   * @param site how messages begin
   * @param most how many elements the request can have by its bytes, whatever its shape claims
   */
  constructor(site: string, kind: TensorKind, most: number) {
    this.datatype = datatypes.get(kind.datatype)!;
    this.size = kind.shape.reduce((product, n) => product * n, 1);
    this.#site = site;
    this.#kind = kind;
    this.#takes = takes(kind.dtype, kind.datatype);
    this.#values = createArray(kind.dtype, Math.min(this.size, most));
  }

  get count(): number {
    return this.#count;
  }

  /** @throws HttpError 400 for a value that is not of the tensor's type, or that the model's type does not take */
  push(value: number): void {
    if (this.#count >= this.#values.length) this.requireRoomFor(1);
    if (!this.datatype.holds(value)) this.refuseElement(String(value));
    if (!this.#takes(value)) {
      const { datatype, dtype } = this.#kind;
      this.refuse(
        `the model takes ${datatypeOf[dtype]}, which does not hold ${value}, ${datatype} element ${this.#count}`,
      );
    }
    this.#values[this.#count++] = value;
  }

  requireRoomFor(more: number): void {
    if (this.#count + more > this.size) this.#refuseCount('more');
  }

  /** @throws HttpError 400 if elements are missing */
  done(): TypedArray {
    if (this.#count < this.size) this.#refuseCount(String(this.#count));
    return this.#values;
  }

  refuseElement(got: string): never {
    this.refuse(`expected ${this.datatype.expects}, got ${got} at element ${this.#count}`);
  }

  refuse(problem: string): never {
    throw new HttpError(400, `${this.#site}: ${problem}`);
  }

  #refuseCount(got: string): never {
    this.refuse(`expected ${this.size} elements for shape ${formatShape(this.#kind.shape)}, got ${got}`);
  }
}
