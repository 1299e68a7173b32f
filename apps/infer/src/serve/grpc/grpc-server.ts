// The gRPC port: the same models, limits and texts as by HTTP.

import {
  logVerbosity,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  setLogVerbosity,
} from '@grpc/grpc-js';
import type { AppOptions } from '../http/create-app.js';
import { explain } from '../http/failures.js';
import { requestId } from '../http/request-log.js';
import { startRequestSpan } from '../tracing.js';
import { admission } from './admission.js';
import { loadMethods, type Method } from './load-services.js';
import { type CallContext, createMethods } from './methods.js';
import { decodeSmall, readMessage } from './read-message.js';
import { statusOf } from './status.js';

export interface GrpcServer {
  /** @throws Error with the system's reason, if it cannot listen there */
  listen(host: string, port: number): Promise<number>;
  /** Accepts no new calls, and waits for those there are; at the limit they end. @param limit in milliseconds */
  close(limit: number): Promise<void>;
}

/** How long a connection may be silent, in milliseconds, before it is asked whether somebody is there; then for the answer. */
const [silence, patience] = [60_000, 20_000];

export function createGrpcServer(options: AppOptions): GrpcServer {
  // It would write lines of its own among those of the log.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server({
    interceptors: [admission(options)],
    'grpc.max_receive_message_length': options.maxBody,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': 1000,
    'grpc.keepalive_time_ms': silence,
    'grpc.keepalive_timeout_ms': patience,
  });
  const methods = createMethods(options);
  for (const [name, method] of loadMethods()) {
    // Messages are decoded with the request's own errors, and none is decoded whose size its use does not need.
    const definition = { ...method, requestDeserialize: (bytes: Buffer) => bytes };
    server.addService({ [name]: definition }, { [name]: unary(name as keyof typeof methods, method) });
  }
  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
        server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
          error ? reject(error) : resolve(bound),
        );
      }),
    async close(limit) {
      const end = setTimeout(() => server.forceShutdown(), limit);
      await new Promise((resolve) => server.tryShutdown(resolve));
      clearTimeout(end);
    },
  };

  function unary(name: keyof typeof methods, { path, requestDeserialize }: Method) {
    const read = (bytes: Buffer) => (name === 'ModelInfer' ? readMessage : decodeSmall)(bytes, requestDeserialize);
    const answer = methods[name] as (request: unknown, call: CallContext) => object | Promise<object>;
    return async (call: ServerUnaryCall<Buffer, object>, reply: sendUnaryData<object>) => {
      const start = performance.now();
      const gone = new AbortController();
      call.on('cancelled', () => gone.abort());
      const context: CallContext = { modelName: '', gone: gone.signal };
      const headers = headersOf(call.metadata);
      const id = requestId(headers);
      const answered = new Metadata();
      answered.set('x-request-id', id);
      call.sendMetadata(answered);
      const span = startRequestSpan(path.slice(1), headers, { 'rpc.system': 'grpc', 'rpc.method': name });
      const log = options.log.child({ requestId: id, ...span.ids });
      let status = 200;
      try {
        reply(null, await span.run(async () => answer(read(call.request), context)));
      } catch (error) {
        status = explain(error as Error).status;
        if (status >= 500 && status !== 503) log.error({ err: error, method: name }, 'a request failed');
        reply(statusOf(error as Error));
      }
      const milliseconds = performance.now() - start;
      if (name === 'ModelInfer') options.metrics.observeRequest(context.modelName, status, milliseconds / 1000);
      const { modelName: model } = context;
      const of = { 'bn.request_id': id, ...(model && { 'bn.model': model }) };
      span.end(status >= 500, of);
      if (!options.accessLog) return;
      const isProbe = ['Check', 'ServerLive', 'ServerReady'].includes(name);
      const line = { method: path, status, milliseconds, ...(model && { model }), ip: call.getPeer() };
      log[isProbe && status < 500 ? 'debug' : 'info'](line, 'request');
    };
  }
}

/** Those that requests by HTTP have too. */
function headersOf(metadata: Metadata): Record<string, string> {
  const names = ['x-request-id', 'traceparent', 'tracestate', 'baggage'];
  return Object.fromEntries(names.flatMap((name) => metadata.get(name).map((value) => [name, String(value)])));
}
