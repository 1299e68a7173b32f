// What a module that stands alone says of itself, in a section of its own, as JSON.

import type { Signature } from '@bn/core';

export const sectionName = 'bn.model';

export interface Contents {
  readonly version: 1;
  /** Addresses in `memory`: of one example, and of the answer to it. */
  readonly input: number;
  readonly output: number;
  readonly signature: Signature;
  /** Texts about the model, such as the licence of its weights. */
  readonly metadata: Readonly<Record<string, string>>;
}
