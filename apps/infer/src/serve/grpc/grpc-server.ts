// The gRPC port: the same models, limits and texts as by HTTP.

import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  setLogVerbosity,
} from '@grpc/grpc-js';
import type { AppOptions } from '../http/create-app.js';
import { explain } from '../http/failures.js';
import type { RequestRecord } from '../request-record.js';
import { admission } from './admission.js';
import { recordOf, responseMetadata } from './call-records.js';
import { loadMethods, type Method } from './load-services.js';
import { createMethods } from './methods.js';
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

  function unary(name: keyof typeof methods, { requestDeserialize }: Method) {
    const read = (bytes: Buffer) => (name === 'ModelInfer' ? readMessage : decodeSmall)(bytes, requestDeserialize);
    const method = methods[name] as (request: unknown, call: RequestRecord) => object | Promise<object>;
    const answer = async (call: ServerUnaryCall<Buffer, object>, reply: sendUnaryData<object>) => {
      const record = recordOf(call.metadata);
      call.sendMetadata(responseMetadata(record));
      try {
        const message = await method(read(call.request), record);
        record.status = 200;
        reply(null, message);
      } catch (cause) {
        const error = cause as Error;
        const { status } = explain(error);
        record.status = status;
        if (status >= 500 && status !== 503) record.log.error({ err: error, method: name }, 'a request failed');
        reply(statusOf(error));
      }
    };
    return (call: ServerUnaryCall<Buffer, object>, reply: sendUnaryData<object>) =>
      recordOf(call.metadata).origin.span.run(() => void answer(call, reply));
  }
}
