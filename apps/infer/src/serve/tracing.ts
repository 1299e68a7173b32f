// Traces of requests: ids for the log by W3C Trace Context, and spans by OpenTelemetry where its API is installed.

import type { IncomingHttpHeaders } from 'node:http';
import type * as OpenTelemetry from '@opentelemetry/api';
import { packageVersion } from './http/package-files.js';

/** An optional peer. Its spans go nowhere until the user registers an SDK. */
const api = await import('@opentelemetry/api').catch((error: NodeJS.ErrnoException): null => {
  if (error.code === 'ERR_MODULE_NOT_FOUND') return null;
  throw error;
});
const tracer = api?.trace.getTracer('@bn/infer', packageVersion);

/** For log lines, by the names that OpenTelemetry gives them. */
export interface TraceIds {
  readonly trace_id: string;
  /** Of this server's span, or without an SDK of the caller's. */
  readonly span_id: string;
}

/** A request, from its headers to the end of its answer. */
export interface RequestSpan {
  readonly ids: TraceIds | null;
  /** Runs a task whose spans are parts of this one, with all that it starts. */
  run<T>(task: () => T): T;
  /** @param status that HTTP has, or would have */
  end(status: number, attributes: OpenTelemetry.Attributes): void;
}

/** @param headers of the request, which may say what it is a part of */
export function startRequestSpan(
  name: string,
  headers: IncomingHttpHeaders,
  attributes: OpenTelemetry.Attributes,
): RequestSpan {
  const ids = parseTraceparent(headers.traceparent);
  if (!api || !tracer) return { ids, run: (task) => task(), end: () => {} };
  const { context, propagation, SpanKind, SpanStatusCode, trace } = api;
  // The user's instrumentation of HTTP may have begun a span already.
  const active = context.active();
  const isPart = trace.getSpan(active) !== undefined;
  const parent = isPart ? active : propagation.extract(active, headers);
  const kind = isPart ? SpanKind.INTERNAL : SpanKind.SERVER;
  const span = tracer.startSpan(name, { kind, attributes }, parent);
  const { traceId, spanId } = span.spanContext();
  return {
    ids: api.isSpanContextValid(span.spanContext()) ? { trace_id: traceId, span_id: spanId } : ids,
    run: (task) => context.with(trace.setSpan(parent, span), task),
    end(status, attributes) {
      span.setAttributes({ 'http.response.status_code': status, ...attributes });
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

/** @param start and `end` in milliseconds, as `performance.now()` gives them */
export type RecordSpan = (name: string, start: number, end: number, attributes?: OpenTelemetry.Attributes) => void;

/** Records parts of the request that is being answered here and now, whose times are known only later. */
export function spanRecorder(): RecordSpan {
  const parent = api?.context.active();
  if (!api || !tracer || !parent || !api.trace.getSpan(parent)?.isRecording()) return () => {};
  const { timeOrigin } = performance;
  return (name, start, end, attributes = {}) =>
    tracer.startSpan(name, { startTime: timeOrigin + start, attributes }, parent).end(timeOrigin + end);
}

/** Version 00, and what later versions keep of it. https://www.w3.org/TR/trace-context/#traceparent-header */
const form = /^(?!ff)[\da-f]{2}-(?!0+-)([\da-f]{32})-(?!0+-)([\da-f]{16})-[\da-f]{2}(?:$|-)/;

/** @returns null without a valid one: it is then to be ignored */
export function parseTraceparent(header: string | string[] | undefined): TraceIds | null {
  const [, trace_id, span_id] = (typeof header === 'string' && form.exec(header)) || [];
  return trace_id && span_id ? { trace_id, span_id } : null;
}
