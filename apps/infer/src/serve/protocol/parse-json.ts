// JSON from strangers.

import secureJson from 'secure-json-parse';
import type { z } from 'zod';
import { HttpError } from '../http-error.js';
import { type Steps, stride } from './slices.js';

/** More than any tensor has dimensions, around it the request's own four. */
const deepest = 32;

/** Bytes of a request without its tensors' elements. What they cost is not in proportion: `{}` is parsed into many objects. */
const largest = 2 ** 14;

/** Values in that, roughly: the schema lists what is wrong with each. */
const mostValues = 500;

const [quote, backslash, openBracket, openBrace, closeBracket, closeBrace, colon] = Buffer.from(
  '"\\[{]}:',
) as unknown as number[];

/** Where in a request the elements of its tensor are. */
const dataDepth = 4;

export interface CutRequest {
  /** The request with an empty array in place of the elements. */
  readonly head: Buffer;
  /** The array of elements, as text; null if there is none. */
  readonly data: Buffer | null;
}

/**
 * Takes the elements out of a request, which are most of it, so that they can be read without a value for each.
 *
 * @throws HttpError 400 for what is nested too deep, has several arrays of elements, or is large without them
 */
export function* cutRequest(text: Buffer): Steps<CutRequest> {
  const place: Place = { depth: 0, inString: false, from: -1, to: -1 };
  for (let at = 0; at < text.length; ) {
    if (at > 0) yield;
    at = scan(text, at, Math.min(at + stride, text.length), place);
    const { from, to } = place;
    const size = from < 0 ? at : to < 0 ? from : at - (to - from);
    if (size > largest) {
      const problem = `the request has more than ${largest} bytes besides its data`;
      throw new HttpError(400, `${problem}; leave out what is not needed`);
    }
  }
  const { from, to } = place;
  if (to < 0) return { head: text, data: null };
  const head = Buffer.concat([text.subarray(0, from), Buffer.from('[]'), text.subarray(to)]);
  return { head, data: text.subarray(from, to) };
}

/** What is known of a request up to some byte. */
interface Place {
  depth: number;
  inString: boolean;
  /** Where its elements are; -1 if that is not known yet. */
  from: number;
  to: number;
}

/** Goes on reading up to `end`, or a little further. @returns how far */
function scan(text: Buffer, start: number, end: number, place: Place): number {
  let { depth, inString } = place;
  let i = start;
  for (; i < end; i++) {
    const byte = text[i];
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) {
      inString = true;
    } else if (byte === openBracket || byte === openBrace) {
      if (++depth > deepest) throw new HttpError(400, `the request is nested deeper than ${deepest}`);
      if (depth !== dataDepth || byte !== openBracket || !isDataAt(text, i)) continue;
      if (place.from >= 0) throw new HttpError(400, 'inputs: data is given twice; the model takes one input');
      place.from = i;
      // A list of numbers is passed over at once.
      const list = text.subarray(i + 1, text.indexOf(closeBracket!, i));
      if (![openBracket, openBrace, quote].some((byte) => list.includes(byte!))) i += list.length;
    } else if (byte === closeBracket || byte === closeBrace) {
      if (depth-- === dataDepth && place.from >= 0 && place.to < 0) place.to = i + 1;
    }
  }
  Object.assign(place, { depth, inString });
  return i;
}

/** Whether `"data":` stands before the position. */
function isDataAt(text: Buffer, at: number): boolean {
  const skipSpace = (end: number) => {
    let i = end;
    while (i > 0 && text[i - 1]! <= 0x20) i--;
    return i;
  };
  const end = skipSpace(at);
  const key = text[end - 1] === colon ? skipSpace(end - 1) : 0;
  return text.toString('latin1', Math.max(0, key - 6), key) === '"data"';
}

/** As `parseJson`, of a body that may be missing, and has no tensor. */
export function parseSmallJson<T>(body: Buffer | undefined, schema: z.ZodType<T>): T {
  const text = body?.length ? body : Buffer.from('{}');
  if (text.length <= largest) return parseJson(text, schema);
  throw new HttpError(400, `the request has more than ${largest} bytes; leave out what is not needed`);
}

/** @throws HttpError 400 for a text that is not JSON, holds keys that reach for prototypes, or is no such object */
export function parseJson<T>(text: Buffer, schema: z.ZodType<T>): T {
  if (text.length > mostValues && text.toString('latin1').split(',').length > mostValues) {
    throw new HttpError(
      400,
      `the request has more than ${mostValues} values besides its data; leave out what is not needed`,
    );
  }
  return checked(schema, parse(text));
}

/** @throws HttpError 400 for what is not as the schema says */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new HttpError(400, `${path.length === 0 ? 'the request' : path.join('.')}: ${message}`);
}

function parse(text: Buffer): unknown {
  try {
    return secureJson.parse(text);
  } catch (error) {
    throw new HttpError(400, `the request is not acceptable JSON: ${(error as Error).message}`);
  }
}
