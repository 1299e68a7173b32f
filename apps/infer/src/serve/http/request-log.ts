// What makes requests traceable: an id for each one, its span, and a line of the log.

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { startRequestSpan } from '../tracing.js';

/** Ids that callers choose are taken if they can stand anywhere: in logs, headers and addresses. */
const sane = /^[\w.:+/=@-]{1,128}$/;

export function requestId({ 'x-request-id': given }: IncomingHttpHeaders): string {
  return typeof given === 'string' && sane.test(given) ? given : randomUUID();
}

/** Status of a request whose client went away before the answer was written, as nginx logs it. */
export const gone = 499;

/** To be called before there are other hooks, so that what those refuse is logged too. */
export function addRequestLog(app: FastifyInstance, accessLog: boolean): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { method, ip, headers, routeOptions } = request;
    const path = request.url.replace(/\?.*/s, '').slice(0, 1024);
    reply.header('x-request-id', request.id);
    const { url: route } = routeOptions;
    const span = startRequestSpan(route ? `${method} ${route}` : method, headers, {
      ...{ 'http.request.method': method, 'url.path': path, 'url.scheme': 'http', 'http.route': route },
    });
    if (span.ids) request.log = request.log.child(span.ids);
    // Not when the response is finished: some never are.
    reply.raw.once('close', () => {
      const { modelName: model } = request;
      const status = reply.raw.writableFinished ? reply.statusCode : gone;
      const bytes = Number(reply.getHeader('content-length') ?? 0);
      span.end(status >= 500, {
        ...{ 'http.response.status_code': status, 'bn.request_id': request.id },
        ...(model && { 'bn.model': model }),
      });
      if (!accessLog) return;
      const milliseconds = Number(reply.elapsedTime.toFixed(3));
      const line = { method, path, status, bytes, milliseconds, ...(model && { model }), ip };
      // Probes come every few seconds.
      request.log[routeOptions.config.isPublic && status < 500 ? 'debug' : 'info'](line, 'request');
    });
    span.run(done);
  });
}
