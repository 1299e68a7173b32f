// Everything that goes wrong, in the protocol's error form.

import type { Socket } from 'node:net';
import { BnError } from '@bn/core';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { HttpError } from '../http-error.js';
import { WorkerDied } from '../workers/worker-thread.js';

/** Answers a request that failed. Failures of the server's own are logged, and not told. */
export function answerFailure(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const { status, message } = explain(error);
  if (status >= 500 && status !== 503) request.record.log.error({ err: error, url: request.url }, 'a request failed');
  // Not there yet where no route was looked for.
  reply.header('x-request-id', request.id);
  if (error instanceof HttpError) reply.headers(error.headers);
  void reply.code(status).type('application/json; charset=utf-8').send({ error: message });
}

export function explain(error: Error): { status: number; message: string } {
  if (error instanceof HttpError) return { status: error.statusCode, message: error.message };
  if (error instanceof WorkerDied) return { status: 500, message: `${error.message}; send the request again` };
  // The framework's, about what is wrong with the request.
  const { statusCode = 500 } = error as FastifyError;
  if (statusCode < 500) return { status: statusCode, message: error.message };
  const message = error instanceof BnError ? error.message : "internal error; the server's log has more";
  return { status: 500, message };
}

const clientErrors: Record<string, readonly [status: string, message: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request took too long to arrive'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the headers are too large'],
};

/** Answers bytes that are not HTTP, or that arrive too slowly, and ends the connection. */
export function answerClientError({ code = '' }: Error & { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, message] = clientErrors[code] ?? ['400 Bad Request', 'the request is not valid HTTP'];
  const body = JSON.stringify({ error: message });
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}
