// The order in which a block of products a·b is added to its sums, so that each loaded operand serves as many products
// as it can while it is in a register.

export interface Product {
  /** Numbers of the operands. */
  readonly a: number;
  readonly b: number;
}

/** Either a load of an operand, or the product with this number. */
export type Move = { readonly load: number } | { readonly product: number };

/**
 * Greedy: while products are ready they are done; else the operand is loaded, and another one dropped if there are
 * `capacity` already, that make most products ready.
 */
export function orderProducts(products: readonly Product[], capacity: number): Move[] {
  const moves: Move[] = [];
  const count = products.reduce((most, { a, b }) => Math.max(most, a, b), -1) + 1;
  /** Products that are not done yet: of each two operands, and of each. */
  const waiting = new Uint16Array(count * count);
  const left = new Uint16Array(count);
  const partners: number[][] = Array.from({ length: count }, () => []);
  const link = (product: number, x: number, y: number) => {
    waiting[x * count + y]++;
    left[x]++;
    partners[x].push(product);
  };
  products.forEach(({ a, b }, i) => {
    link(i, a, b);
    if (a !== b) link(i, b, a);
  });
  const isDone = products.map(() => false);
  let held: number[] = [];
  const perform = (x: number) => {
    for (const i of partners[x]) {
      const { a, b } = products[i];
      if (isDone[i] || !held.includes(a) || !held.includes(b)) continue;
      moves.push({ product: i });
      isDone[i] = true;
      for (const [operand, other] of a === b
        ? [[a, b]]
        : [
            [a, b],
            [b, a],
          ]) {
        waiting[operand * count + other]--;
        left[operand]--;
      }
    }
    held = held.filter((operand) => left[operand] > 0);
  };
  while (left.some((n) => n > 0)) {
    const drops = held.length >= capacity ? held : [null];
    let best: { load: number; drop: number | null; gain: number; left: number } | null = null;
    for (let load = 0; load < count; load++) {
      if (left[load] === 0 || held.includes(load)) continue;
      const row = load * count;
      const ready = held.reduce((n, operand) => n + waiting[row + operand], waiting[row + load]);
      for (const drop of drops) {
        const gain = drop === null ? ready : ready - waiting[row + drop];
        // Between equals: keep what still has most to do.
        const kept = drop === null ? 0 : -left[drop];
        if (!best || gain > best.gain || (gain === best.gain && kept > best.left))
          best = { load, drop, gain, left: kept };
      }
    }
    const { load, drop } = best!;
    if (drop !== null) held.splice(held.indexOf(drop), 1);
    held.push(load);
    moves.push({ load });
    perform(load);
  }
  return moves;
}
