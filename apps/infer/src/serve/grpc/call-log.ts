// What makes calls traceable, as requests by HTTP are: an id for each one, its span, and a line of the log.

import type { IncomingHttpHeaders } from 'node:http';
import { Metadata } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { AppOptions } from '../http/create-app.js';
import { gone, requestId } from '../http/request-log.js';
import { type RequestSpan, startRequestSpan } from '../tracing.js';

export interface CallRecord {
  readonly id: string;
  /** With the ids of its trace. */
  readonly log: Logger;
  readonly span: RequestSpan;
  readonly headers: IncomingHttpHeaders;
  /** The name of the model that answers; empty until it is known. */
  modelName: string;
  /** That HTTP would have; of who went away, until it is answered. */
  status: number;
  /** To be called once, when nothing more is sent. */
  end(): void;
}

/** By the metadata that came with the call, which is all that its interceptor and its method share. */
const records = new WeakMap<Metadata, CallRecord>();

export function recordOf(metadata: Metadata): CallRecord {
  return records.get(metadata)!;
}

/** @param isPublic asked by probes, every few seconds */
export function startCall(
  path: string,
  ip: string | undefined,
  isPublic: boolean,
  metadata: Metadata,
  { log, accessLog }: AppOptions,
): CallRecord {
  const start = performance.now();
  const headers = Object.fromEntries(
    Object.entries(metadata.getMap()).map(([name, value]) => [name, value.toString()]),
  );
  const id = requestId(headers);
  const span = startRequestSpan(path.slice(1), headers, { 'rpc.system': 'grpc' });
  const record: CallRecord = {
    ...{ id, span, headers, modelName: '', status: gone },
    log: log.child({ requestId: id, ...span.ids }),
    end() {
      const { modelName: model, status } = record;
      span.end(status >= 500, { 'bn.request_id': id, ...(model && { 'bn.model': model }) });
      if (!accessLog) return;
      const milliseconds = Number((performance.now() - start).toFixed(3));
      const line = { method: 'gRPC', path, status, milliseconds, ...(model && { model }), ip };
      record.log[isPublic && status < 500 ? 'debug' : 'info'](line, 'request');
    },
  };
  records.set(metadata, record);
  return record;
}

/** What the caller is told of the call, besides its answer. */
export function metadataOf({ id }: CallRecord): Metadata {
  const metadata = new Metadata();
  metadata.set('x-request-id', id);
  return metadata;
}
