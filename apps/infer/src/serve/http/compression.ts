// Compressed bodies: gzip, and deflate in zlib's format.

import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { constants, createGunzip, createInflate, deflate, gzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { HttpError } from '../http-error.js';

const encodings = {
  gzip: { decoder: createGunzip, encode: gzip },
  deflate: { decoder: createInflate, encode: deflate },
} as const;
const names = Object.keys(encodings) as (keyof typeof encodings)[];

/** Bytes from which on an answer is compressed for clients that accept it: smaller ones are sent sooner as they are. */
const worthIt = 4096;

/** @throws HttpError 415 for an encoding that the server does not read */
export function requireEncoding({ 'content-encoding': encoding = 'identity' }: IncomingMessage['headers']): void {
  if (encoding === 'identity' || names.some((name) => name === encoding)) return;
  const problem = `content-encoding ${encoding.slice(0, 100)} is not accepted; send the body as it is, or as ${names.join(' or ')}`;
  throw new HttpError(415, problem, { 'accept-encoding': names.join(', ') });
}

/** The body of a request as it was before it was compressed. Its size is that of the reader to limit. */
export function decodedBody(payload: IncomingMessage): Readable {
  const encoding = names.find((name) => name === payload.headers['content-encoding']);
  if (!encoding) return payload;
  const decoder = encodings[encoding].decoder();
  decoder.once('close', () => payload.unpipe(decoder).resume());
  for (const event of ['error', 'close']) {
    payload.once(event, () => {
      if (!payload.complete) decoder.destroy();
    });
  }
  return payload.pipe(decoder);
}

/** To be called before there are routes. */
export function compressAnswers(app: FastifyInstance): void {
  app.addHook('onSend', ({ headers }, reply, payload, done) => {
    if (!(typeof payload === 'string' || Buffer.isBuffer(payload)) || payload.length < worthIt) return done();
    reply.header('vary', [reply.getHeader('vary') ?? [], 'accept-encoding'].flat().join(', '));
    const accepted = String(headers['accept-encoding'] ?? '').toLowerCase();
    const encoding = names.find((name) => new RegExp(`\\b${name}\\b(?!\\s*;\\s*q=0(\\.0*)?\\s*(,|$))`).test(accepted));
    if (!encoding) return done();
    reply.header('content-encoding', encoding);
    encodings[encoding].encode(payload, { level: constants.Z_BEST_SPEED }, done);
  });
}
