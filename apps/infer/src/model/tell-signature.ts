// Tells what a model takes and gives, and what of that is assumed.

import { type Io, printable } from '@bn/command-line';
import { describeSignature } from '@bn/core';
import { mixingWarning } from './mixes-examples.js';
import type { OpenedModel } from './open-model.js';

/** A line, and a warning for each assumption. */
export function tellSignature(
  { name, signature, assumptions, mixesExamples }: OpenedModel,
  { stderr }: Pick<Io, 'stderr'>,
): void {
  stderr.write(printable(`${name} ${describeSignature(signature)}\n`));
  const warnings = mixesExamples ? [...assumptions, mixingWarning] : assumptions;
  for (const warning of warnings) stderr.write(printable(`warning: ${warning}\n`));
}
