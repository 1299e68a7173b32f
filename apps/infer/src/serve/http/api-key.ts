// Lets in who knows the key.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether the key is there: `Authorization: Bearer <key>`, `X-Api-Key: <key>`, or as the password of `Authorization: Basic`,
 * which browsers ask for. Takes the same time whatever is wrong.
 */
export function isAuthorized({ authorization = '', ...headers }: IncomingHttpHeaders, apiKey: string): boolean {
  const [, scheme = '', credentials = ''] = /^(\w+) +(.*)$/.exec(authorization) ?? [];
  const given = {
    bearer: credentials,
    basic: Buffer.from(credentials, 'base64')
      .toString()
      .replace(/^[^:]*:/, ''),
  }[scheme.toLowerCase()];
  return timingSafeEqual(digest(given ?? String(headers['x-api-key'] ?? '')), digest(apiKey));
}

/** What a refused request is told, so that browsers ask for the key. One header each: some browsers read only the first scheme. */
export const challenges: string[] = ['Bearer realm="bn"', 'Basic realm="bn", charset="UTF-8"'];

/** Of equal length for all keys. */
function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
