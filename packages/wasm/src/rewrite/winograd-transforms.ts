// Toom and Cook's matrices, by which a convolution along one axis takes fewer products.

import { type Constant, Derived, derivedOnce, numbersOf } from '../ir/constant.js';

/**
 * For outputs y[j] = Σ_k d[j + k]·w[k], j < m: y = Aᵀ·(G·w ⊙ Bᵀ·d), with a row of Bᵀ and G and a column of Aᵀ for each
 * point; the last point is infinity.
 */
export interface Transform {
  /** Results of a patch. */
  readonly m: number;
  /** [points][points] */
  readonly b: readonly (readonly number[])[];
  /** [points][taps] */
  readonly g: readonly (readonly number[])[];
  /** [points][m] */
  readonly a: readonly (readonly number[])[];
}

/** The matrices for these finite points and infinity. */
function makeTransform(m: number, taps: number, points: readonly number[]): Transform {
  const count = m + taps - 1;
  const finite = points.slice(0, count - 1);
  const last = (size: number) => Array.from({ length: size }, (_, i) => (i === size - 1 ? 1 : 0));
  const powers = (x: number, size: number) => Array.from({ length: size }, (_, i) => x ** i);
  const others = (x: number) => finite.filter((other) => other !== x);
  return {
    m,
    b: [...finite.map((x) => [...polynomial(others(x)), 0]), polynomial(finite)],
    g: [
      ...finite.map((x) => {
        const scale = others(x).reduce((product, other) => product * (x - other), 1);
        return powers(x, taps).map((power) => power / scale);
      }),
      last(taps),
    ],
    a: [...finite.map((x) => powers(x, m)), last(m)],
  };
}

/** Coefficients of Π (x − root), lowest power first. */
function polynomial(roots: readonly number[]): number[] {
  let product = [1];
  for (const root of roots) {
    product = Array.from({ length: product.length + 1 }, (_, i) => (product[i - 1] ?? 0) - root * (product[i] ?? 0));
  }
  return product;
}

/** G·w of a filter that is known: [points][rows], from [rows][taps]. */
export function transformFilter(filter: Constant, transform: Transform): Constant {
  const { g } = transform;
  const taps = g[0].length;
  const rows = filter.length / taps;
  const write = (to: Float32Array) => {
    const from = numbersOf(filter);
    g.forEach((weights, point) => {
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        for (let k = 0; k < taps; k++) sum += weights[k] * from[row * taps + k];
        to[point * rows + row] = sum;
      }
    });
  };
  return derivedOnce(filter, transform, () => new Derived(g.length * rows, write));
}

/**
 * By taps of the kernel: two or four results. Opposite points share half of their sums, and points of more digits would
 * cost accuracy; for four results of three taps ±3/4 and ±3/2 lose, along both axes, as little as ±1 and ±2 along one.
 */
export const transforms: ReadonlyMap<number, readonly Transform[]> = new Map([
  [3, [makeTransform(2, 3, [0, 1, -1]), makeTransform(4, 3, [0, 0.75, -0.75, 1.5, -1.5])]],
  [5, [makeTransform(2, 5, [0, 1, -1, 2, -2]), makeTransform(4, 5, [0, 1, -1, 2, -2, 0.5, -0.5])]],
]);
