// The elements of a tensor from JSON: a part of the text at a time, up to the first that is wrong.

import type { TypedArray } from '@bn/core';
import { HttpError } from '../http-error.js';
import { requireCount } from './binary-elements.js';
import type { Elements } from './elements.js';
import { type Steps, stride } from './slices.js';
import { type TensorKind, TensorWriter } from './tensor-writer.js';

const [space, comma, quote, openBracket, closeBracket] = Buffer.from(' ,"[]') as unknown as number[];

/** Bytes between two texts. */
const longestGap = 1024;

/**
 * @param text an array of row-major elements, or arrays nested as the shape says; its inner brackets are overwritten. Of BYTES,
 * the elements are texts in base64
 */
export function jsonElements(text: Buffer): Elements {
  return { tensor: (kind) => readTensor(text, kind), items: (count) => readItems(text, count) };
}

function* readTensor(text: Buffer, kind: TensorKind): Steps<TypedArray> {
  // An element takes a byte, and one to end it.
  const writer = new TensorWriter('data', kind, text.length >> 1);
  if (text.at(-1) !== closeBracket) refuse('not acceptable JSON at its end');
  if (text.subarray(1).find((byte) => byte > space!) === openBracket) yield* flatten(text, kind.shape);
  const last = text.length - 1;
  for (let from = 1, to = 0; to < last; from = to + 1) {
    if (from > 1) yield;
    to = last - from <= stride ? last : text.lastIndexOf(comma!, from + stride);
    const part = parse(text, from, to, writer.count);
    writer.requireRoomFor(part.length);
    for (const element of part) {
      if (typeof element !== writer.datatype.json) writer.refuseElement(describe(element));
      writer.push(Number(element));
    }
  }
  return writer.done();
}

/** The texts are taken out; what is left of the array is checked with null in their places. */
function* readItems(text: Buffer, count: number): Steps<readonly Uint8Array[]> {
  const items: Buffer[] = [];
  let rest = '';
  let from = 0;
  while (items.length <= count) {
    const found = text.indexOf(quote!, from);
    const start = found < 0 ? text.length : found;
    if (start - from > longestGap)
      refuse(`expected texts in base64, got something else behind element ${items.length}`);
    rest += text.toString('latin1', from, start);
    if (found < 0) break;
    const end = text.indexOf(quote!, start + 1);
    items.push(fromBase64(text.toString('latin1', start + 1, end < 0 ? text.length : end), items.length));
    rest += 'null';
    from = end + 1;
    yield;
  }
  requireCount('data', items.length, count);
  const places = tryToParse(rest)?.flat();
  if (places?.length === count && places.every((place) => place === null)) return items;
  return refuse('expected an array of texts in base64, got something else');
}

function tryToParse(text: string): unknown[] | null {
  try {
    return JSON.parse(text) as unknown[];
  } catch {
    return null;
  }
}

/** Some clients escape slashes; the decoder passes over the backslashes. */
function fromBase64(text: string, index: number): Buffer {
  if (/^[A-Za-z0-9+/_\\-]*=*$/.test(text) && !/\\(?!\/)/.test(text)) return Buffer.from(text, 'base64');
  return refuse(`expected texts in base64, got another text at element ${index}`);
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
  let [depth, count, pause] = [0, 0, stride];
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
