// Optimizers one after the other, as in optax.

import { BnError } from '../errors.js';
import type { Optimizer, Update } from './optimizer.js';

/**
 * Each transform is given what the one before has made of the gradients; what the last one gives is subtracted from the
 * parameters: `chain(clip(1), adamW())`.
 *
 * @throws `argument` if two of them keep a slot of the same name
 */
export function chain(...transforms: readonly Optimizer[]): Optimizer {
  const slots = transforms.flatMap((transform) => transform.slots);
  const twice = slots.find((slot, i) => slots.indexOf(slot) < i);
  if (twice !== undefined) {
    throw new BnError('argument', `chain: two of its transforms keep a '${twice}'; take one of them`);
  }
  return {
    slots,
    update(parameters, context) {
      let updates = parameters.map(({ gradient }): Update => ({ change: gradient, slots: {} }));
      for (const transform of transforms) {
        const given = parameters.map((one, i) => ({ ...one, gradient: updates[i]!.change }));
        const next = transform.update(given, context);
        updates = updates.map(({ slots }, i) => ({ ...next[i]!, slots: { ...slots, ...next[i]!.slots } }));
      }
      return updates;
    },
  };
}
