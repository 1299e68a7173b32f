// The elements of a tensor from JSON: a part of the text at a time, up to the first that is wrong.

import { createArray, type DType, formatShape, type TypedArray } from '@bn/core';
import { HttpError } from '../http-error.js';
import { datatypes } from './datatypes.js';
import { type Steps, stride } from './slices.js';

const [space, comma, openBracket, closeBracket] = Buffer.from(' ,[]') as unknown as number[];

/**
 * @param text an array of row-major elements, or arrays nested as the shape says; its inner brackets are overwritten
 * @throws HttpError 400 when it does not fit
 */
export function* readElements(text: Buffer, shape: readonly number[], dtype: DType): Steps<TypedArray> {
  const { accepts, expects } = datatypes[dtype];
  const size = shape.reduce((product, n) => product * n, 1);
  if (text.at(-1) !== closeBracket) refuse('not acceptable JSON at its end');
  if (text.subarray(1).find((byte) => byte > space!) === openBracket) yield* flatten(text, shape);
  // Not more than the text can have, whatever the shape claims: each takes a byte, and one to end it.
  const target = createArray(dtype, Math.min(size, text.length >> 1));
  let count = 0;
  const last = text.length - 1;
  for (let from = 1, to = 0; to < last; from = to + 1) {
    yield;
    to = last - from <= stride ? last : text.lastIndexOf(comma!, from + stride);
    const part = parse(text, from, to, count);
    if (count + part.length > size) refuse(`expected ${size} elements for shape ${formatShape(shape)}, got more`);
    for (const element of part) {
      if (!accepts(element)) refuse(`expected ${expects}, got ${describe(element)} at element ${count}`);
      target[count++] = Number(element);
    }
  }
  if (count < size) refuse(`expected ${size} elements for shape ${formatShape(shape)}, got ${count}`);
  return target;
}

function parse(text: Buffer, from: number, to: number, count: number): unknown[] {
  try {
    const part = JSON.parse(`[${text.toString('latin1', from, Math.max(from, to))}]`) as unknown[];
    if (part.length > 0 || from === 1) return part;
  } catch {
    // As for nothing behind a comma.
  }
  return refuse(`not acceptable JSON behind element ${count}`);
}

/** Checks the nesting, and puts spaces in place of the brackets: what is left is a list. */
function* flatten(text: Buffer, shape: readonly number[]): Steps<void> {
  /** Of the arrays that are open, the commas so far and the first element. */
  const commas = shape.map(() => 0);
  const starts = shape.map(() => 0);
  let [depth, count, pause] = [0, 0, 0];
  let isEmpty = true;
  const wrongLength = (got: string) =>
    refuse(`expected an array of ${shape[depth - 1]} at element ${starts[depth - 1]}, got one of ${got}`);
  for (let i = 0; i < text.length; i++) {
    if (i >= pause) {
      yield;
      pause = i + stride;
    }
    const byte = text[i]!;
    if (byte === comma) {
      if (++commas[depth - 1]! >= shape[depth - 1]!) wrongLength('more');
      if (depth === shape.length) count++;
    } else if (byte === openBracket && depth < shape.length) {
      starts[depth] = count;
      commas[depth++] = 0;
      isEmpty = true;
      if (i > 0) text[i] = space!;
    } else if (byte === closeBracket) {
      const length = isEmpty ? 0 : commas[depth - 1]! + 1;
      if (length !== shape[depth - 1]) wrongLength(String(length));
      if (depth === shape.length) count++;
      depth--;
      if (i < text.length - 1) text[i] = space!;
    } else if (byte > space!) {
      if (byte === openBracket) refuse(`expected an element, got an array at element ${count}`);
      if (depth < shape.length) {
        const [got] = /[^,\s[\]]+/.exec(text.toString('latin1', i, i + 40))!;
        refuse(`expected an array of ${shape[depth]} at element ${count}, got ${got}`);
      }
      isEmpty = false;
    }
  }
}

function describe(element: unknown): string {
  if (typeof element === 'number' || element === null) return String(element);
  return element instanceof Object ? `an ${Array.isArray(element) ? 'array' : 'object'}` : `a ${typeof element}`;
}

function refuse(problem: string): never {
  throw new HttpError(400, `data: ${problem}`);
}
