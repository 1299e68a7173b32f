// Elementwise kernels. maximum and minimum give NaN if either operand is NaN; casts to integers wrap around when the
// value does not fit, and make 0 of NaN.

import type { Elements, KernelTable } from '../kernel.js';
import { broadcastOffsets } from '../offsets.js';

export const elementwise = {
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul: (y, inputs) => (y.dtype === 'int32' ? multiplyIntegers : multiply)(y, inputs),
  div: binary((a, b) => a / b),
  maximum: binary(Math.max),
  minimum: binary(Math.min),
  neg: unary((x) => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  tanh: unary(Math.tanh),
  sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  erf: unary(erf),
  equal: binary((a, b) => (a === b ? 1 : 0)),
  less: binary((a, b) => (a < b ? 1 : 0)),
  where: (y, inputs) => {
    const [condition, a, b] = inputs.map((x) => x.data);
    const [conditionAt, aAt, bAt] = inputs.map((x) => broadcastOffsets(x.shape, y.shape));
    for (let i = 0; i < y.data.length; i++) y.data[i] = condition[conditionAt[i]] !== 0 ? a[aAt[i]] : b[bAt[i]];
  },
  // The typed array that is written to converts: floats are cut towards zero on the way to integers.
  cast: (y, [x], { dtype }) => {
    for (let i = 0; i < y.data.length; i++) y.data[i] = dtype === 'bool' ? Number(x.data[i] !== 0) : x.data[i];
  },
} satisfies Partial<KernelTable>;

// A product of 32-bit integers can exceed what a double holds exactly.
const multiplyIntegers = binary(Math.imul);
const multiply = binary((a, b) => a * b);

function unary(f: (x: number) => number) {
  return (y: Elements, [x]: readonly Elements[]): void => {
    for (let i = 0; i < y.data.length; i++) y.data[i] = f(x.data[i]);
  };
}

function binary(f: (a: number, b: number) => number) {
  return (y: Elements, [a, b]: readonly Elements[]): void => {
    const aAt = broadcastOffsets(a.shape, y.shape);
    const bAt = broadcastOffsets(b.shape, y.shape);
    for (let i = 0; i < y.data.length; i++) y.data[i] = f(a.data[aAt[i]], b.data[bAt[i]]);
  };
}

/**
 * erf(x) = 2/√π · exp(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·5 … (2n+1)); all terms have one sign, so nothing cancels.
 * Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.6.
 */
function erf(x: number): number {
  if (!(Math.abs(x) <= 6)) return Math.sign(x); // of NaN, NaN
  let term = x;
  let sum = x;
  for (let n = 1; sum + term !== sum; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
