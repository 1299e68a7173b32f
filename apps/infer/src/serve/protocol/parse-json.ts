// JSON from strangers.

import secureJson from 'secure-json-parse';
import type { z } from 'zod';
import { HttpError } from '../http-error.js';

/** More than any tensor has dimensions, around it the request's own four. */
const deepest = 32;

const [quote, backslash, openBracket, openBrace, closeBracket, closeBrace] = Buffer.from(
  '"\\[{]}',
) as unknown as number[];

/**
 * @throws HttpError 400 for a body that is not JSON, is nested too deep, holds keys that reach for prototypes, or is no such
 * object
 */
export function parseJson<T>(text: Buffer, schema: z.ZodType<T>): T {
  requireShallow(text);
  const parsed = schema.safeParse(parse(text));
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

// Megabytes of brackets would become gigabytes of arrays.
function requireShallow(text: Buffer): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const byte = text[i];
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) {
      inString = true;
    } else if (byte === openBracket || byte === openBrace) {
      if (++depth > deepest) throw new HttpError(400, `the request is nested deeper than ${deepest}`);
    } else if (byte === closeBracket || byte === closeBrace) {
      depth--;
    }
  }
}
