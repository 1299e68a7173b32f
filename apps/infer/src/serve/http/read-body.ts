// The bytes of a request.

import type { IncomingMessage } from 'node:http';
import { HttpError, wentAway } from '../http-error.js';
import type { Share } from './budget.js';
import { decodedBody } from './compression.js';

/**
 * @param largest how many bytes it may have, before and after it was compressed
 * @param share takes what has arrived
 * @throws HttpError 413 for more bytes, 503 if the server holds too many, 400 for what is not compressed as it says
 */
export function readBody(payload: IncomingMessage, largest: number, share: Share): Promise<Buffer> {
  const body = decodedBody(payload);
  const isCompressed = body !== payload;
  const length = Number(payload.headers['content-length'] ?? 0);
  // Memory is the system's until something is written to it: claiming much costs nothing.
  const claimed = isCompressed ? 0 : length;
  let bytes: Buffer = Buffer.alloc(0);
  let size = 0;
  const take = (part: Buffer) => {
    if (size + part.length > largest) throw tooLarge(largest, isCompressed);
    share.take(part.length);
    if (size + part.length > bytes.length) {
      const room = Math.min(largest, Math.max(claimed, 2 * (size + part.length)));
      const larger = size === 0 && part.length >= claimed ? part : Buffer.allocUnsafeSlow(room);
      bytes.copy(larger, 0, 0, size);
      bytes = larger;
    }
    if (bytes !== part) part.copy(bytes, size);
    size += part.length;
  };
  return new Promise((resolve, reject) => {
    if (length > largest) reject(tooLarge(largest, false));
    body.on('data', (part: Buffer) => {
      try {
        take(part);
      } catch (error) {
        body.removeAllListeners('data').resume();
        if (isCompressed) body.destroy();
        reject(error);
      }
    });
    body.on('end', () => resolve(bytes.length === size ? bytes : bytes.subarray(0, size)));
    body.on('error', ({ code }: NodeJS.ErrnoException) => {
      const encoding = payload.headers['content-encoding'];
      const isDamaged = code?.startsWith('Z_');
      reject(isDamaged ? new HttpError(400, `the body is damaged, or not compressed by ${encoding}`) : wentAway());
    });
    body.on('close', () => {
      if (!body.readableEnded) reject(wentAway());
    });
  });
}

/** The rest is not read: the connection cannot be used for another request. */
function tooLarge(largest: number, isCompressed: boolean): HttpError {
  const problem = `the request is too large: more than ${largest} bytes${isCompressed ? ' when decompressed' : ''}`;
  return new HttpError(413, problem, { connection: 'close' });
}
