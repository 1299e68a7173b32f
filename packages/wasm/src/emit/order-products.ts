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
  const partners = new Map<number, Set<number>>();
  const waiting = new Set(products.keys());
  const link = (x: number, product: number) => {
    const known = partners.get(x);
    if (known) known.add(product);
    else partners.set(x, new Set([product]));
  };
  products.forEach(({ a, b }, i) => {
    link(a, i);
    link(b, i);
  });
  const held = new Set<number>();
  const gainOf = (x: number, without: number | null) => {
    let gain = 0;
    for (const i of partners.get(x)!) {
      const other = products[i].a === x ? products[i].b : products[i].a;
      if (other === x || (other !== without && held.has(other))) gain++;
    }
    return gain;
  };
  const perform = (x: number) => {
    for (const i of [...partners.get(x)!]) {
      const { a, b } = products[i];
      if (!held.has(a) || !held.has(b)) continue;
      moves.push({ product: i });
      waiting.delete(i);
      for (const operand of [a, b]) partners.get(operand)!.delete(i);
    }
    for (const operand of held) if (partners.get(operand)!.size === 0) held.delete(operand);
  };
  while (waiting.size > 0) {
    const full = held.size >= capacity;
    let best: { load: number; drop: number | null; gain: number; left: number } | null = null;
    for (const [load, { size }] of partners) {
      if (size === 0 || held.has(load)) continue;
      for (const drop of full ? held : [null]) {
        const gain = gainOf(load, drop);
        // Between equals: keep what still has most to do.
        const left = drop === null ? 0 : -partners.get(drop)!.size;
        if (!best || gain > best.gain || (gain === best.gain && left > best.left)) best = { load, drop, gain, left };
      }
    }
    const { load, drop } = best!;
    if (drop !== null) held.delete(drop);
    held.add(load);
    moves.push({ load });
    perform(load);
  }
  return moves;
}
