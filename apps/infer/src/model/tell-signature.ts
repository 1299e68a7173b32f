// Tells what a model takes and gives, and what of that is assumed.

import { type Io, printable } from '@bn/command-line';
import { describeSignature } from '@bn/core';
import type { OpenedModel } from './open-model.js';

/** A line, and a warning for each assumption. */
export function tellSignature({ name, signature, assumptions }: OpenedModel, { stderr }: Pick<Io, 'stderr'>): void {
  stderr.write(printable(`${name} ${describeSignature(signature)}\n`));
  for (const assumption of assumptions) stderr.write(printable(`warning: ${assumption}\n`));
}
