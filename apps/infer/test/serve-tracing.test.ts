// What ties a request's answer, its lines of the log and its spans together.

import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { SpanKind } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../src/serve/batching/clock.js';
import { Dispatcher } from '../src/serve/batching/dispatcher.js';
import { Predictor } from '../src/serve/batching/predictor.js';
import { createApp } from '../src/serve/http/create-app.js';
import { createLog, type LogLevel } from '../src/serve/log.js';
import type { ServedModel } from '../src/serve/models/served-model.js';
import { parseTraceparent } from '../src/serve/tracing.js';
import { appOptions, model } from './shade-of-grey.js';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const caller = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${caller}-01`;

/** A model of one pixel that answers the pixel, in batches. */
async function setUp({ accessLog = true, level = 'info' as LogLevel, apiKey = null as string | null } = {}) {
  const spec = { dtype: 'uint8', shape: [null, 1] } as const;
  const idle = ['worker'];
  const workers = { acquire: () => idle.pop(), release: (worker: string) => void idle.push(worker) };
  const predictor = new Predictor<string>({
    ...{ clock: systemClock, dispatcher: new Dispatcher(workers, systemClock), dtype: 'uint8' },
    limits: { maxBatch: 4, maxDelay: 0, maxQueue: 10, timeout: 1000 },
    async compute(_, data) {
      if (data[0] === 13) throw new Error('an unlucky number');
      await wait(5);
      return new Map([['y', { data, spec: { dtype: 'uint8', shape: [data.length, 1] } }]]);
    },
    observe: () => {},
  });
  const served: ServedModel = {
    ...{ ...model, name: 'm', signature: null, input: { name: 'x', spec }, outputs: new Map([['y', spec]]) },
    predict: (_, ...request) => predictor.predict(...request),
  };
  const lines: Record<string, unknown>[] = [];
  const log = createLog(level, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const options = { served: [served], log, apiKey, accessLog, allowOrigin: ['*'], hosts: null };
  const app = await createApp(appOptions(options, () => {}));
  onTestFinished(() => app.close());
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  const ask = async (path: string, headers: Record<string, string> = {}, pixel?: number) => {
    const inputs = [{ name: 'x', datatype: 'UINT8', shape: [1, 1], data: [pixel] }];
    const body = pixel === undefined ? {} : { method: 'POST', body: JSON.stringify({ inputs }) };
    const answer = await fetch(address + path, { headers, ...body });
    const text = await answer.text();
    // The line is written when the answer has left.
    await wait(20);
    return { status: answer.status, bytes: text.length, id: answer.headers.get('x-request-id') };
  };
  return { address, lines, ask, requests: () => lines.filter(({ msg }) => msg === 'request') };
}

const infer = '/v2/models/m/infer';

describe('request ids', () => {
  it('of the caller are taken, and stand in the answer, in failures and in their lines of the log', async () => {
    const { ask, lines } = await setUp();
    const ids = { status: 200, id: 'a:1/b=c' };
    expect(await ask(infer, { 'x-request-id': ids.id }, 1)).toMatchObject(ids);
    expect(await ask('/nothing', { 'x-request-id': 'lost' })).toMatchObject({ status: 404, id: 'lost' });
    expect(await ask('/v2/models/%ff', { 'x-request-id': 'odd' })).toMatchObject({ status: 400, id: 'odd' });
    expect(await ask(infer, { 'x-request-id': 'unlucky' }, 13)).toMatchObject({ status: 500, id: 'unlucky' });
    const failure = lines.filter(({ level }) => level === 'error');
    expect(failure).toMatchObject([{ msg: 'a request failed', requestId: 'unlucky' }]);
  });

  it.each(['', 'a b', 'x'.repeat(129), 'é', '"'])(
    'that could break a log or a header are replaced: %j',
    async (given) => {
      const { ask } = await setUp();
      const { id } = await ask('/v2', given ? { 'x-request-id': given } : {});
      expect(id).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    },
  );

  it('can be read by pages of other origins', async () => {
    const { address } = await setUp();
    const { headers } = await fetch(`${address}/v2`, { headers: { origin: 'https://a.example' } });
    expect(headers.get('access-control-expose-headers')).toContain('x-request-id');
  });
});

describe('the access log', () => {
  it('has a line for each request, also of those that are refused', async () => {
    const { ask, requests } = await setUp({ apiKey: 'k' });
    const { bytes } = await ask(`${infer}?secret=1`, { 'x-request-id': 'one', 'x-api-key': 'k', traceparent }, 1);
    await ask('/v2', { 'x-request-id': 'two' });
    const milliseconds = expect.any(Number);
    expect(requests()).toMatchObject([
      { level: 'info', requestId: 'one', method: 'POST', path: infer, status: 200, bytes, milliseconds, model: 'm' },
      { level: 'info', requestId: 'two', method: 'GET', path: '/v2', status: 401 },
    ]);
    expect(requests()[0]).toMatchObject({ trace_id: traceId, span_id: caller });
    expect(requests()[1]).not.toHaveProperty('model');
    expect(requests()[1]).not.toHaveProperty('trace_id');
  });

  it('says 499 of a client that did not wait for its answer', async () => {
    const { address, requests } = await setUp();
    const { hostname, port } = new URL(address);
    const socket = connect(Number(port), hostname);
    socket.write(`POST ${infer} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{`);
    await wait(50);
    socket.destroy();
    await wait(50);
    expect(requests()).toMatchObject([{ method: 'POST', status: 499 }]);
  });

  it('has probes at debug alone, and nothing when it is off', async () => {
    const [probed, silent, debug] = await Promise.all([
      setUp(),
      setUp({ accessLog: false, level: 'debug' }),
      setUp({ level: 'debug' }),
    ]);
    for (const { ask } of [probed, debug]) await ask('/v2/health/ready');
    await silent.ask('/v2');
    expect([probed, silent, debug].map(({ requests }) => requests().length)).toEqual([0, 0, 1]);
  });
});

it.each([
  [traceparent, caller],
  [`cc-${traceId}-${caller}-01-what-will-be`, caller],
  [`ff-${traceId}-${caller}-01`, undefined],
  [`00-${'0'.repeat(32)}-${caller}-01`, undefined],
  [`00-${traceId}-${'0'.repeat(16)}-01`, undefined],
  [`00-${traceId.toUpperCase()}-${caller}-01`, undefined],
  [`00-${traceId}-${caller}`, undefined],
  ['nonsense', undefined],
  [undefined, undefined],
])('traceparent %s: span %s', (header, span) => {
  expect(parseTraceparent(header)?.span_id).toBe(span);
});

describe('with an SDK of OpenTelemetry', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  beforeAll(() => provider.register());
  afterAll(() => provider.shutdown());

  it("a request is a span of its caller's trace, with waiting and computing as parts", async () => {
    exporter.reset();
    const { ask, requests } = await setUp();
    const other = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
    await Promise.all([ask(infer, { traceparent, 'x-request-id': 'one' }, 1), ask(infer, { traceparent: other }, 2)]);
    const spans = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
    expect(spans.map(({ name }) => name).sort()).toEqual(['POST /v2/models/:name/infer', 'compute', 'queue']);
    const [compute, server, queue] = ['compute', 'POST', 'queue'].map(
      (name) => spans.find((span) => span.name.startsWith(name))!,
    );
    expect(server!.parentSpanContext!.spanId).toBe(caller);
    expect(server!.kind).toBe(SpanKind.SERVER);
    expect(server!.attributes).toMatchObject({
      ...{ 'http.request.method': 'POST', 'http.route': '/v2/models/:name/infer', 'http.response.status_code': 200 },
      ...{ 'url.path': infer, 'bn.model': 'm', 'bn.request_id': 'one' },
    });
    const own = server!.spanContext().spanId;
    expect([queue, compute].map((span) => span!.parentSpanContext!.spanId)).toEqual([own, own]);
    const [from, began, done] = [server!.startTime, compute!.startTime, compute!.endTime].map(
      ([s, ns]) => s * 1e3 + ns / 1e6,
    );
    expect(done! - began!).toBeGreaterThan(4);
    expect(began! - from!).toBeGreaterThan(-2);
    expect(began! - from!).toBeLessThan(1000);
    expect(requests().find(({ requestId }) => requestId === 'one')).toMatchObject({ trace_id: traceId, span_id: own });
  });

  it('a failure is the status of its span, and a request without a caller begins a trace', async () => {
    exporter.reset();
    const { ask, requests } = await setUp();
    await ask(infer, {}, 13);
    const server = exporter.getFinishedSpans().find(({ name }) => name.startsWith('POST'))!;
    expect([server.status.code, server.parentSpanContext]).toEqual([2, undefined]);
    expect(requests()[0]!.trace_id).toBe(server.spanContext().traceId);
  });
});
