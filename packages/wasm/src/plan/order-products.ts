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
  const { left, ready, absent, held } = waiting;
  while (absent.length > 0) {
    const isFull = held.length >= capacity;
    let mostKept = isFull ? Number.NEGATIVE_INFINITY : 0;
    if (isFull) for (let j = 0; j < held.length; j++) mostKept = Math.max(mostKept, -left[held[j]]);
    let load = nothing;
    let drop = nothing;
    let bestGain = -1;
    let bestKept = 0;
    for (let i = 0; i < absent.length; i++) {
      const most = ready[absent[i]];
      if (most < bestGain || (most === bestGain && mostKept <= bestKept)) continue;
      if (!isFull) {
        load = absent[i];
        bestGain = most;
        continue;
      }
      for (let j = 0; j < held.length; j++) {
        const gain = most - waiting.between(absent[i], held[j]);
        // Between equals: keep what still has most to do.
        const kept = -left[held[j]];
        if (gain < bestGain || (gain === bestGain && kept <= bestKept)) continue;
        load = absent[i];
        drop = held[j];
        bestGain = gain;
        bestKept = kept;
      }
    }
    if (drop !== nothing) waiting.drop(drop);
    moves.push({ load });
    waiting.hold(load, moves);
  }
  return moves;
}

/** In place of an operand. */
const nothing = -1;

/** Products that are not done yet, and what is held of their operands. */
class Waiting {
  /** By operand: products that need it, and those of them whose other operand is held. */
  readonly left: Uint16Array;
  readonly ready: Uint16Array;
  /** Operands with products that are not done: those that are not held, in order; and others, the latest last. */
  readonly absent: number[] = [];
  readonly held: number[] = [];
  readonly #products: readonly Product[];
  readonly #isDone: Uint8Array;
  readonly #isHeld: Uint8Array;
  readonly #byOperand: number[][] = [];
  /** [count][count], products of each two operands */
  readonly #between: Uint16Array;
  readonly #count: number;

  constructor(products: readonly Product[]) {
    let count = 0;
    for (let i = 0; i < products.length; i++) count = Math.max(count, products[i].a + 1, products[i].b + 1);
    this.#count = count;
    this.#products = products;
    this.#isDone = new Uint8Array(products.length);
    this.#isHeld = new Uint8Array(count);
    this.left = new Uint16Array(count);
    this.ready = new Uint16Array(count);
    this.#between = new Uint16Array(count * count);
    for (let operand = 0; operand < count; operand++) this.#byOperand.push([]);
    for (let i = 0; i < products.length; i++) {
      const { a, b } = products[i];
      this.#add(a, b, 1);
      this.#byOperand[a].push(i);
      if (a === b) this.ready[a]++;
      else this.#byOperand[b].push(i);
    }
    for (let operand = 0; operand < count; operand++) if (this.left[operand] > 0) this.absent.push(operand);
  }

  between(a: number, b: number): number {
    return this.#between[a * this.#count + b];
  }

  /** Takes an operand, and does the products that can be done then. */
  hold(operand: number, moves: Move[]): void {
    this.#isHeld[operand] = 1;
    const own = this.#byOperand[operand];
    for (let i = 0; i < own.length; i++) {
      const product = own[i];
      if (this.#isDone[product] === 1) continue;
      const other = this.#otherThan(operand, product);
      if (this.#isHeld[other] === 0) {
        this.ready[other]++;
        continue;
      }
      this.#isDone[product] = 1;
      this.#add(operand, other, -1);
      this.ready[operand]--;
      if (this.left[other] === 0 && other !== operand) this.held.splice(this.held.indexOf(other), 1);
      moves.push({ product });
    }
    this.absent.splice(this.absent.indexOf(operand), 1);
    if (this.left[operand] > 0) this.held.push(operand);
  }

  drop(operand: number): void {
    this.#isHeld[operand] = 0;
    const own = this.#byOperand[operand];
    for (let i = 0; i < own.length; i++) {
      if (this.#isDone[own[i]] === 0) this.ready[this.#otherThan(operand, own[i])]--;
    }
    this.held.splice(this.held.indexOf(operand), 1);
    let place = 0;
    while (this.absent[place] < operand) place++;
    this.absent.splice(place, 0, operand);
  }

  #otherThan(operand: number, product: number): number {
    const { a, b } = this.#products[product];
    return a === operand ? b : a;
  }

  #add(a: number, b: number, by: number): void {
    this.#between[a * this.#count + b] += by;
    this.left[a] += by;
    if (a === b) return;
    this.#between[b * this.#count + a] += by;
    this.left[b] += by;
  }
}
