// The record of each request by HTTP.

import type { FastifyInstance } from 'fastify';
import { RequestRecord } from '../request-record.js';
import { startRequestSpan } from '../tracing.js';
import type { AppOptions } from './create-app.js';

/** To be called before there are other hooks, so that what those refuse is recorded too. */
export function recordRequests(app: FastifyInstance, options: AppOptions): void {
  app.decorateRequest('record');
  app.addHook('onRequest', (request, reply, done) => {
    const { id, method, ip, headers, routeOptions } = request;
    const { url: route, config } = routeOptions;
    const path = request.url.replace(/\?.*/s, '').slice(0, 1024);
    reply.header('x-request-id', id);
    const span = startRequestSpan(route ? `${method} ${route}` : method, headers, {
      ...{ 'http.request.method': method, 'url.path': path, 'url.scheme': 'http', 'http.route': route },
    });
    const [isProbe, isInference] = [config.isPublic === true, config.isInference === true];
    const record = new RequestRecord({ id, span, method, path, ip, isProbe, isInference }, options);
    request.record = record;
    const { raw } = reply;
    raw.once('close', () => {
      if (raw.writableFinished) record.status = raw.statusCode;
      record.end(Number(reply.getHeader('content-length') ?? 0));
    });
    span.run(done);
  });
}
