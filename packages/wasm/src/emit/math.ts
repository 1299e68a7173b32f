// exp, log, tanh, sigmoid and erf on four floats at once. Each takes its operand from the stack and leaves the result.
//
// Bounds on the relative error, which the package's tests measure: exp, sigmoid and log 4e-7, tanh and erf 1e-6.
// Infinities, NaN, over- and underflow are IEEE's.

import { type Code, v128, vector } from './code.js';

type Polynomial = readonly [number, ...number[]];

export class VectorMath {
  readonly #code: Code;
  /** Pushes a vector of equal integers. */
  readonly #integer: (value: number) => void;
  /** Pushes a vector of equal floats. */
  readonly #float: (value: number) => void;

  constructor(code: Code, float: (value: number) => void, integer: (value: number) => void) {
    this.#code = code;
    this.#float = float;
    this.#integer = integer;
  }

  /** 2ⁿ·exp(r) with x = n·ln 2 + r; 2ⁿ in two factors, so that results under- and overflow as they should. */
  exp(): void {
    const code = this.#code;
    const [shifted, n, half] = [this.#local(), this.#local(), this.#local()];
    this.#clamp(-104.5, 89.5);
    this.#expOfRemainder(1, shifted, expPolynomial);
    code.get(shifted);
    this.#integer(shiftBits);
    code.vector(vector.subI32);
    code.tee(n);
    code.constant(1);
    code.vector(vector.shrI32);
    code.tee(half);
    this.#powerOfTwo();
    code.vector(vector.mul);
    code.get(n);
    code.get(half);
    code.vector(vector.subI32);
    this.#powerOfTwo();
    code.vector(vector.mul);
  }

  /** 1 / (1 + exp(−x)). Beyond ±87 it is 0 or 1 to within 1e-37. */
  sigmoid(): void {
    const code = this.#code;
    const [shifted, divisor] = [this.#local(), this.#local()];
    this.#clamp(-87, 87);
    this.#expOfRemainder(-1, shifted, shortExpPolynomial);
    code.get(shifted);
    this.#powerOfTwo();
    code.multiplyAddTo(() => this.#float(1));
    code.set(divisor);
    this.#float(1);
    code.get(divisor);
    code.vector(vector.div);
  }

  /** x = 2ᵉ·m with √½ ≤ m < √2: e·ln 2 + log m (Cephes, logf). */
  log(): void {
    const code = this.#code;
    const [x, bits, e, r, scaled, square] = Array.from({ length: 6 }, () => this.#local());
    code.set(x);
    // Subnormal numbers are scaled by 2²³ first.
    code.get(x);
    this.#float(8388608);
    code.vector(vector.mul);
    code.get(x);
    code.get(x);
    this.#float(1.17549435e-38);
    code.vector(vector.lt);
    code.tee(scaled);
    code.vector(vector.bitselect);
    // e counts from √½, whose bits are 0x3f3504f3.
    this.#integer(0x3f3504f3);
    code.vector(vector.subI32);
    code.tee(bits);
    code.constant(23);
    code.vector(vector.shrI32);
    code.vector(vector.toFloat);
    this.#float(23);
    code.get(scaled);
    code.vector(vector.and);
    code.vector(vector.sub);
    code.set(e);
    code.get(bits);
    this.#integer(0x007fffff);
    code.vector(vector.and);
    this.#integer(0x3f3504f3);
    code.vector(vector.addI32);
    this.#float(1);
    code.vector(vector.sub);
    code.tee(r);
    code.get(r);
    code.vector(vector.mul);
    code.set(square);
    // log(1 + r) = r − r²/2 + r³·p(r); ln 2 in two parts.
    this.#polynomial(r, logPolynomial);
    code.get(r);
    code.vector(vector.mul);
    code.get(square);
    code.vector(vector.mul);
    code.get(e);
    this.#float(-2.1219444e-4);
    code.vector(vector.mul);
    code.vector(vector.add);
    code.get(square);
    this.#float(0.5);
    code.vector(vector.mul);
    code.vector(vector.sub);
    code.get(r);
    code.vector(vector.add);
    code.get(e);
    this.#float(0.693359375);
    code.vector(vector.mul);
    code.vector(vector.add);
    this.#specialLogs(x);
  }

  /** x·P(x²)/Q(x²), clamped where tanh is 1 in float32 (the rational approximation of Eigen). */
  tanh(): void {
    this.#rational(7.905311, tanhNumerator, tanhDenominator);
  }

  /** x·P(x²)/Q(x²), clamped where erf is 1 in float32 (the rational approximation of Eigen). */
  erf(): void {
    this.#rational(4, erfNumerator, erfDenominator);
  }

  #rational(bound: number, numerator: Polynomial, denominator: Polynomial): void {
    const code = this.#code;
    const [x, square] = [this.#local(), this.#local()];
    this.#clamp(-bound, bound);
    code.tee(x);
    code.get(x);
    code.vector(vector.mul);
    code.set(square);
    this.#polynomial(square, numerator);
    code.get(x);
    code.vector(vector.mul);
    this.#polynomial(square, denominator);
    code.vector(vector.div);
  }

  /** Replaces the regular result on the stack: ∞ and NaN give themselves, 0 gives −∞, less gives NaN. */
  #specialLogs(x: number): void {
    const code = this.#code;
    const regular = this.#local();
    const choose = (value: () => void, condition: () => void) => {
      code.set(regular);
      value();
      code.get(regular);
      condition();
      code.vector(vector.bitselect);
    };
    const compare = (opcode: number, value: number) => () => {
      code.get(x);
      this.#float(value);
      code.vector(opcode);
    };
    const itself = () => code.get(x);
    choose(itself, compare(vector.eq, Infinity));
    choose(itself, () => {
      code.get(x);
      code.get(x);
      code.vector(vector.ne);
    });
    choose(() => this.#float(NaN), compare(vector.lt, 0));
    choose(() => this.#float(-Infinity), compare(vector.eq, 0));
  }

  /**
   * exp(r) for sign · x = n·ln 2 + r, |r| ≤ ½ ln 2, and the x on the stack. n goes to a local as the last bits of
   * n + 1.5·2²³: adding that number rounds to an integer.
   */
  #expOfRemainder(sign: 1 | -1, shifted: number, polynomial: Polynomial): void {
    const code = this.#code;
    const [x, n, r] = [this.#local(), this.#local(), this.#local()];
    code.tee(x);
    this.#float(sign * Math.LOG2E);
    code.multiplyAddTo(() => this.#float(shift));
    code.tee(shifted);
    this.#float(shift);
    code.vector(vector.sub);
    code.tee(n);
    // sign · r, whose sign goes into the coefficients.
    this.#float(-sign * 0.693359375);
    code.multiplyAddTo(() => code.get(x));
    code.set(r);
    code.get(n);
    this.#float(sign * 2.1219444e-4);
    code.multiplyAddTo(() => code.get(r));
    code.set(r);
    this.#polynomial(r, polynomial.map((c, i) => sign ** (polynomial.length - 1 - i) * c) as unknown as Polynomial);
  }

  /** Σ coefficient[i]·xⁱ by Horner's rule, highest power first. */
  #polynomial(x: number, [highest, ...rest]: Polynomial): void {
    this.#float(highest);
    for (const coefficient of rest) {
      this.#code.get(x);
      this.#code.multiplyAddTo(() => this.#float(coefficient));
    }
  }

  /** Replaces the integers n on the stack by 2ⁿ, −127 < n < 128. Only the last nine bits of n count. */
  #powerOfTwo(): void {
    const code = this.#code;
    code.constant(23);
    code.vector(vector.shlI32);
    this.#float(1);
    code.vector(vector.addI32);
  }

  /** NaN stays NaN: pmin(a, b) is b where b < a, else a. */
  #clamp(low: number, high: number): void {
    this.#float(low);
    this.#code.vector(vector.pmax);
    this.#float(high);
    this.#code.vector(vector.pmin);
  }

  #local(): number {
    return this.#code.local(v128);
  }
}

/** 1.5·2²³: floats of this size are whole numbers, which stand in their last bits. */
const shift = 12_582_912;
const shiftBits = 0x4b400000;
// Least relative error on |r| ≤ ½ ln 2: 2e-9 and 8e-8 before rounding.
const expPolynomial: Polynomial = [1.38368353e-3, 8.37482419e-3, 4.16682251e-2, 1.66664198e-1, 4.99999911e-1, 1, 1];
const shortExpPolynomial: Polynomial = [
  8.29764735e-3, 4.19154316e-2, 1.66675746e-1, 4.99988943e-1, 9.99999702e-1, 1.00000012,
];
// Cephes, logf.
const logPolynomial: Polynomial = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
];
const tanhNumerator: Polynomial = [
  -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8, 1.48572235717979e-5,
  6.37261928875436e-4, 4.89352455891786e-3,
];
const tanhDenominator: Polynomial = [1.19825839466702e-6, 1.18534705686654e-4, 2.268434632439e-3, 4.89352518554385e-3];
const erfNumerator: Polynomial = [
  -2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5, -7.34990630326855e-4,
  -2.95459980854025e-3, -1.60960333262415e-2,
];
const erfDenominator: Polynomial = [
  -1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3, -7.37332916720468e-3, -1.42647390514189e-2,
];
