// What is kept of a request, by HTTP or by gRPC, until its answer has left: its id, its span, its bytes, and a line of the log.

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import { Caller } from './caller.js';
import type { Share } from './http/budget.js';
import type { AppOptions } from './http/create-app.js';
import { gone } from './http-error.js';
import type { RequestSpan } from './tracing.js';

/** Ids that callers choose are taken if they can stand anywhere: in logs, headers and addresses. */
const sane = /^[\w.:+/=@-]{1,128}$/;

export function requestId({ 'x-request-id': given }: IncomingHttpHeaders): string {
  return typeof given === 'string' && sane.test(given) ? given : randomUUID();
}

export interface RequestOrigin {
  readonly id: string;
  readonly span: RequestSpan;
  /** `gRPC` for its calls. */
  readonly method: string;
  readonly path: string;
  readonly ip: string | undefined;
  /** Asked every few seconds. */
  readonly isProbe: boolean;
  /** Counted in the metrics. */
  readonly isInference: boolean;
}

export class RequestRecord extends Caller {
  readonly origin: RequestOrigin;
  /** Of the bytes that requests may hold. */
  readonly share: Share;
  /** The name of the model that answers; empty until it is known. */
  modelName = '';
  /** That HTTP has, or would have; of who went away, until it is answered. */
  status: number = gone;
  readonly #options: AppOptions;
  readonly #start = performance.now();

  constructor(origin: RequestOrigin, options: AppOptions) {
    super();
    this.origin = origin;
    this.#options = options;
    this.share = options.budgets.bodies.share();
  }

  /** With the ids of the request and its trace. */
  get log(): Logger {
    const { id, span } = this.origin;
    return this.#options.log.child({ requestId: id, ...span.ids });
  }

  /**
   * To be called once, when nothing more is sent: not when the answer is finished, because some never are.
   *
   * @param bytes of the answer, where that is known
   */
  end(bytes?: number): void {
    const { id, span, method, path, ip, isProbe, isInference } = this.origin;
    const { accessLog, log, metrics } = this.#options;
    const { status } = this;
    const milliseconds = Math.round((performance.now() - this.#start) * 1000) / 1000;
    const model = this.modelName || undefined;
    this.share.release();
    if (status === gone) this.leave();
    span.end(status, { 'bn.request_id': id, 'bn.model': model });
    if (isInference) metrics.observeRequest(this.modelName, status, milliseconds / 1000);
    if (!accessLog) return;
    const line = { requestId: id, ...span.ids, method, path, status, bytes, milliseconds, model, ip };
    log[isProbe && status < 500 ? 'debug' : 'info'](line, 'request');
  }
}
