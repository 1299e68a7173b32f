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
  let bytes: Buffer = Buffer.alloc(0);
  let memory: ArrayBuffer | null = null;
  const take = (part: Buffer) => {
    const [size, larger] = [bytes.length, bytes.length + part.length];
    if (larger > largest) throw tooLarge(largest, isCompressed);
    share.take(part.length);
    if (size === 0) {
      bytes = part;
      return;
    }
    if (!memory) {
      // Addresses, not memory: that grows with what arrives, whatever the header claims.
      const most = isCompressed || length === 0 ? largest : Math.min(length, largest);
      memory = new ArrayBuffer(size, { maxByteLength: most });
      bytes.copy(Buffer.from(memory));
    }
    memory.resize(larger);
    bytes = Buffer.from(memory, 0, larger);
    part.copy(bytes, size);
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
    body.on('end', () => resolve(bytes));
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

/** Gives back the memory of a large body, which nobody reads any more: the garbage collector would do so much later. */
export function releaseBody({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.resizable) buffer.resize(0);
}

/** The rest is not read: the connection cannot be used for another request. */
function tooLarge(largest: number, isCompressed: boolean): HttpError {
  const problem = `the request is too large: more than ${largest} bytes${isCompressed ? ' when decompressed' : ''}`;
  return new HttpError(413, problem, { connection: 'close' });
}
