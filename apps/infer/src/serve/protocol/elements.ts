// The elements of a request's tensor: as they came, until the model says what they should be.

import type { TypedArray } from '@bn/core';
import { HttpError } from '../http-error.js';
import type { Steps } from './slices.js';
import type { TensorKind } from './tensor-writer.js';

export interface Elements {
  /** @throws HttpError 400 when they do not fit */
  tensor(kind: TensorKind): Steps<TypedArray>;
  /**
   * Of the datatype BYTES.
   *
   * @param count how many there should be
   * @throws HttpError 400 when there are not
   */
  items(count: number): Steps<readonly Uint8Array[]>;
}

/** Of a tensor that is given in no form, or in two; told only when all else fits. */
export function noElements(input: string, forms: string): Elements {
  const refuse = (): never => {
    throw new HttpError(400, `input '${input}': expected either ${forms}`);
  };
  return { tensor: refuse, items: refuse };
}
