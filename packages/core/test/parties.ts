// Several processes in one, for tests.

import { addSubtotal, type PartialResult, type Party, type Subtotal, totalOf } from '../src/index.js';

/** Parties whose parts meet here. */
export function partiesOf(size: number): Party[] {
  type Meeting = { parts: (readonly (readonly Subtotal[])[])[]; all: PromiseWithResolvers<readonly PartialResult[]> };
  const calls = new Map<number, Meeting>();
  return Array.from({ length: size }, (_, rank) => {
    let count = 0;
    return {
      rank,
      size,
      reduce: (reductions, own) => {
        const call = calls.get(count) ?? { parts: [], all: withResolvers<readonly PartialResult[]>() };
        calls.set(count++, call);
        call.parts[rank] = own;
        if (Object.keys(call.parts).length === size) {
          const all = reductions.map((reduction, i) => {
            const inOrder = call.parts.flatMap((parts) => parts[i]!);
            const together = inOrder.reduce<Subtotal[]>((sum, next) => addSubtotal(reduction, sum, next), []);
            return totalOf(reduction, together);
          });
          call.all.resolve(all);
        }
        return call.all.promise;
      },
    };
  });
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((given) => {
    resolve = given;
  });
  return { promise, resolve };
}
