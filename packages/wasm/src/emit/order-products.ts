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
  const waiting = new Waiting(products);
  const { count, left, ready, isHeld } = waiting;
  const keptOf = (drop: number) => (drop === nothing ? 0 : -left[drop]);
  let held: number[] = [];
  while (waiting.total > 0) {
    const drops = held.length >= capacity ? held : [nothing];
    const mostKept = Math.max(...drops.map(keptOf));
    let best = { load: -1, drop: nothing, gain: -1, kept: 0 };
    for (let load = 0; load < count; load++) {
      const most = ready[load];
      if (left[load] === 0 || isHeld[load] === 1) continue;
      if (most < best.gain || (most === best.gain && mostKept <= best.kept)) continue;
      for (const drop of drops) {
        const gain = drop === nothing ? most : most - waiting.between(load, drop);
        // Between equals: keep what still has most to do.
        const kept = keptOf(drop);
        if (gain > best.gain || (gain === best.gain && kept > best.kept)) best = { load, drop, gain, kept };
      }
    }
    const { load, drop } = best;
    if (drop !== nothing) waiting.drop(drop);
    waiting.hold(load);
    moves.push({ load });
    waiting.perform(load, moves);
    held = [...held, load].filter((operand) => operand !== drop && left[operand] > 0);
  }
  return moves;
}

/** In place of an operand. */
const nothing = -1;

/** Products that are not done yet, and what is held of their operands. */
class Waiting {
  /** One more than the largest number of an operand. */
  readonly count: number;
  /** By operand: products that need it, and those of them whose other operand is held. */
  readonly left: Uint16Array;
  readonly ready: Uint16Array;
  readonly isHeld: Uint8Array;
  total: number;
  readonly #products: readonly Product[];
  readonly #isDone: Uint8Array;
  readonly #byOperand: number[][];
  /** [count][count], products of each two operands */
  readonly #between: Uint16Array;

  constructor(products: readonly Product[]) {
    this.#products = products;
    this.#isDone = new Uint8Array(products.length);
    this.total = products.length;
    this.count = products.reduce((most, { a, b }) => Math.max(most, a, b), -1) + 1;
    this.left = new Uint16Array(this.count);
    this.ready = new Uint16Array(this.count);
    this.isHeld = new Uint8Array(this.count);
    this.#between = new Uint16Array(this.count * this.count);
    this.#byOperand = Array.from({ length: this.count }, () => []);
    products.forEach(({ a, b }, i) => {
      this.#count(a, b, 1);
      this.#byOperand[a].push(i);
      if (a === b) this.ready[a]++;
      else this.#byOperand[b].push(i);
    });
  }

  between(a: number, b: number): number {
    return this.#between[a * this.count + b];
  }

  hold(operand: number): void {
    this.isHeld[operand] = 1;
    this.#move(operand, 1);
  }

  drop(operand: number): void {
    this.isHeld[operand] = 0;
    this.#move(operand, -1);
  }

  /** Does the products of an operand that can be done. */
  perform(operand: number, moves: Move[]): void {
    for (const product of this.#byOperand[operand]) {
      const { a, b } = this.#products[product];
      if (this.#isDone[product] === 1 || this.isHeld[a] === 0 || this.isHeld[b] === 0) continue;
      this.#isDone[product] = 1;
      this.#count(a, b, -1);
      this.ready[a]--;
      if (a !== b) this.ready[b]--;
      this.total--;
      moves.push({ product });
    }
  }

  #count(a: number, b: number, by: number): void {
    this.#between[a * this.count + b] += by;
    this.left[a] += by;
    if (a === b) return;
    this.#between[b * this.count + a] += by;
    this.left[b] += by;
  }

  /** `operand` has come or gone: `by` is 1 or −1. */
  #move(operand: number, by: number): void {
    for (const i of this.#byOperand[operand]) {
      if (this.#isDone[i] === 1) continue;
      const { a, b } = this.#products[i];
      if (a !== b) this.ready[a === operand ? b : a] += by;
    }
  }
}
