// The HTTP server: what is the same for all its routes.

import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import { HttpError } from '../http-error.js';
import type { Models } from '../models/served-model.js';
import { type RequestRecord, requestId } from '../request-record.js';
import { challenges, isAuthorized } from './api-key.js';
import type { Budgets } from './budget.js';
import { addClassifyRoute } from './classify-route.js';
import { compressAnswers, requireEncoding } from './compression.js';
import { addDocumentation, described } from './documentation.js';
import { answerClientError, answerFailure } from './failures.js';
import { allowOrigins, type BrowserOptions, hostCheck } from './guard-browsers.js';
import type { Metrics } from './metrics.js';
import { refuseOtherMethods } from './other-methods.js';
import { addPageRoutes } from './page-routes.js';
import { addProtocolRoutes } from './protocol-routes.js';
import { readBody } from './read-body.js';
import { recordRequests } from './record-requests.js';
import { addRepositoryRoutes } from './repository-routes.js';

export interface AppOptions extends BrowserOptions {
  readonly models: Models;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Whether each request is logged. */
  readonly accessLog: boolean;
  /** Without it everybody is let in. */
  readonly apiKey: string | null;
  /** Of a request, in bytes. */
  readonly maxBody: number;
  readonly budgets: Budgets;
  /** How long a request may take to arrive, in milliseconds. */
  readonly timeout: number;
  /** Whether requests can be computed. */
  readonly isReady: () => boolean;
  /** Whether that can change without a new process. */
  readonly isLive: () => boolean;
  /** Whether the server is about to end: connections are not kept. */
  readonly isDraining: () => boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Open to those without the key. */
    readonly isPublic?: true;
    /** Counted in the metrics. */
    readonly isInference?: true;
  }
  interface FastifyRequest {
    record: RequestRecord;
  }
}

/** How long a kept connection may be silent, in milliseconds. */
const keepAlive = 30_000;

export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { apiKey, log, maxBody, metrics, timeout } = options;
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // Records have a log of their own, which is made only when there is something to say.
    childLoggerFactory: (log) => log,
    genReqId: ({ headers }) => requestId(headers),
    ...{ bodyLimit: maxBody, keepAliveTimeout: keepAlive, requestTimeout: timeout },
    // Those that do not read their answers either: nothing moves on their connections.
    connectionTimeout: 2 * timeout,
    // Slow clients are looked for every second.
    http: { connectionsCheckingInterval: 1000, headersTimeout: Math.min(timeout, 10_000) },
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1024 },
    clientErrorHandler: answerClientError,
    frameworkErrors: answerFailure,
  });
  app.setErrorHandler(answerFailure);
  app.setNotFoundHandler(({ method, url }) => {
    throw new HttpError(404, `there is no ${method} ${url.slice(0, 200)}; /openapi.json lists the routes`);
  });
  // Bodies are read as bytes, whatever they say they are, and checked by the routes; schemas are for /openapi.json.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', ({ raw, record }: FastifyRequest) => readBody(raw, maxBody, record.share));
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));

  recordRequests(app, options);
  await allowOrigins(app, options);
  const requireOwnHost = hostCheck(options);
  app.addHook('onRequest', ({ headers, routeOptions }, _reply, done) => {
    requireOwnHost(headers.host);
    if (apiKey !== null && !routeOptions.config.isPublic && !isAuthorized(headers, apiKey)) {
      const problem = 'the API key is missing or wrong; send it as Authorization: Bearer <key>';
      throw new HttpError(401, problem, { 'www-authenticate': challenges });
    }
    requireEncoding(headers);
    done();
  });
  compressAnswers(app);
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // Not while it still listens: clients would come with new connections, some of which would be refused unheard.
    if (options.isDraining() && !app.server.listening) reply.header('connection', 'close');
    done();
  });

  const addRefusals = refuseOtherMethods(app);
  await addDocumentation(app, { hasKey: apiKey !== null });
  addPageRoutes(app);
  addProtocolRoutes(app, options);
  addRepositoryRoutes(app, options);
  addClassifyRoute(app, options);
  app.get('/metrics', { schema: metricsSchema }, async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.text();
  });
  addRefusals();
  return app;
}

const metricsSchema = described({
  ...{ summary: 'What the server counts, for Prometheus', tags: ['health'], answer: { 'text/plain': null } },
});
