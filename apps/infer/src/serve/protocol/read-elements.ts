// The elements of a tensor from JSON: read from the bytes themselves, straight into memory, up to the first that is wrong.

import { createArray, type DType, formatShape, type TypedArray } from '@bn/core';
import { HttpError } from '../http-error.js';
import { datatypes } from './datatypes.js';
import { type Steps, stride } from './slices.js';

const [space, comma, openBracket, closeBracket, minus, dot, zero] = Buffer.from(' ,[]-.0') as unknown as number[];
const powersOf10 = Array.from({ length: 23 }, (_, i) => 10 ** i);
const kinds: Readonly<Record<string, string>> = { '"': 'a string', '{': 'an object', n: 'null', t: 'true', f: 'false' };

/**
 * @param text an array of row-major elements, or arrays nested as the shape says
 * @throws HttpError 400 when it does not fit
 */
export function* readElements(text: Buffer, shape: readonly number[], dtype: DType): Steps<TypedArray> {
  const { accepts, expects } = datatypes[dtype];
  const size = shape.reduce((product, n) => product * n, 1);
  const isNested = text.subarray(1).find((byte) => byte > space!) === openBracket;
  const lengths = isNested ? shape : [size];
  // Not more than the text can have, whatever the shape claims: each takes a byte, and one to end it.
  const target = createArray(dtype, Math.min(size, text.length >> 1));
  const counts = lengths.map(() => 0);
  const starts = lengths.map(() => 0);
  const scanner = new Scanner(text);
  let [depth, count, pause] = [0, 0, 0];
  /** What may come: an element or array, or the end of an array; after a comma it may not end; after an element, both. */
  let state: 'start' | 'comma' | 'value' = 'start';

  const refuse = (problem: string): never => {
    throw new HttpError(400, `data: ${problem}`);
  };
  const wrongLength = (got: string) =>
    isNested
      ? refuse(`expected an array of ${lengths[depth - 1]} at element ${starts[depth - 1]}, got one of ${got}`)
      : refuse(`expected ${size} elements for shape ${formatShape(shape)}, got ${got}`);
  const countOne = () => {
    if (depth > 0 && ++counts[depth - 1]! > lengths[depth - 1]!) wrongLength('more');
  };

  do {
    if (scanner.at >= pause) {
      yield;
      pause = scanner.at + stride;
    }
    const byte = text[scanner.at]!;
    if (byte <= space!) {
      scanner.at++;
    } else if (byte === closeBracket && state !== 'comma') {
      if (counts[depth - 1] !== lengths[depth - 1]) wrongLength(String(counts[depth - 1]));
      [state, depth] = ['value', depth - 1];
      scanner.at++;
    } else if (state === 'value') {
      if (byte !== comma) refuse(`not acceptable JSON after element ${count - 1}`);
      state = 'comma';
      scanner.at++;
    } else if (byte === openBracket) {
      if (depth === lengths.length) refuse(`expected ${expects}, got an array at element ${count}`);
      countOne();
      starts[depth] = count;
      counts[depth++] = 0;
      state = 'start';
      scanner.at++;
    } else {
      const element = scanner.element();
      const got = element ?? kinds[String.fromCharCode(byte)];
      if (got === undefined) refuse(`not acceptable JSON at element ${count}`);
      if (depth < lengths.length) refuse(`expected an array of ${lengths[depth]} at element ${count}, got ${got}`);
      countOne();
      if (!accepts(element)) refuse(`expected ${expects}, got ${got} at element ${count}`);
      target[count++] = Number(element);
      state = 'value';
    }
  } while (depth > 0);
  return target;
}

class Scanner {
  readonly #text: Buffer;
  at = 0;

  constructor(text: Buffer) {
    this.#text = text;
  }

  /** The number or boolean at this position, which moves behind it; null if there is none. */
  element(): number | boolean | null {
    const number = this.#number();
    if (!Number.isNaN(number)) return number;
    for (const value of [true, false]) {
      const length = String(value).length;
      if (this.#text.toString('latin1', this.at, this.at + length) !== String(value)) continue;
      this.at += length;
      return value;
    }
    return null;
  }

  /** NaN if there is none. */
  #number(): number {
    const text = this.#text;
    const from = text[this.at] === minus ? this.at + 1 : this.at;
    let at = from;
    let digits = 0;
    for (let digit = text[at]! - zero!; digit >= 0 && digit <= 9; digit = text[++at]! - zero!)
      digits = digits * 10 + digit;
    if (at === from || (text[from] === zero && at > from + 1)) return Number.NaN;
    const whole = at;
    if (text[at] === dot) {
      at++;
      for (let digit = text[at]! - zero!; digit >= 0 && digit <= 9; digit = text[++at]! - zero!)
        digits = digits * 10 + digit;
      if (at === whole + 1) return Number.NaN;
    }
    const places = Math.max(0, at - whole - 1);
    const exponent = (text[at]! | 0x20) === 0x65 ? /^e[+-]?\d+/i.exec(text.toString('latin1', at, at + 100)) : [''];
    if (!exponent) return Number.NaN;
    const end = at + exponent[0].length;
    // Whole numbers and powers of ten that float64 has exactly, divided once, are rounded as they should be.
    const isExact = digits <= Number.MAX_SAFE_INTEGER && places < powersOf10.length && end === at;
    const value = isExact ? digits / powersOf10[places]! : Number(text.toString('latin1', from, end));
    const start = this.at;
    this.at = end;
    return from > start ? -value : value;
  }
}
