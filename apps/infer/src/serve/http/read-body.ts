// The bytes of a request.

import type { IncomingMessage } from 'node:http';
import { HttpError } from '../http-error.js';
import type { Share } from './budget.js';

/**
 * @param largest how many bytes it may have
 * @param share takes what has arrived
 * @throws HttpError 413 for more bytes, 503 if the server holds too many
 */
export function readBody(payload: IncomingMessage, largest: number, share: Share): Promise<Buffer> {
  // Memory is the system's until something is written to it: claiming much costs nothing.
  const claimed = Number(payload.headers['content-length'] ?? 0);
  let bytes: Buffer = Buffer.alloc(0);
  let size = 0;
  const take = (part: Buffer) => {
    if (size + part.length > largest) throw tooLarge(largest);
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
    if (claimed > largest) reject(tooLarge(largest));
    payload.on('data', (part: Buffer) => {
      try {
        take(part);
      } catch (error) {
        payload.removeAllListeners('data').resume();
        reject(error);
      }
    });
    payload.on('end', () => resolve(bytes.subarray(0, size)));
    for (const event of ['error', 'close']) {
      payload.on(event, () => {
        if (!payload.readableEnded) reject(new HttpError(499, 'the client went away'));
      });
    }
  });
}

/** The rest is not read: the connection cannot be used for another request. */
function tooLarge(largest: number): HttpError {
  return new HttpError(413, `the request is too large: more than ${largest} bytes`, { connection: 'close' });
}
