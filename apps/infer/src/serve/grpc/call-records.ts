// The record of each call by gRPC.

import type { IncomingHttpHeaders } from 'node:http';
import { Metadata } from '@grpc/grpc-js';
import type { AppOptions } from '../http/create-app.js';
import { RequestRecord, requestId } from '../request-record.js';
import { startRequestSpan } from '../tracing.js';

/** By the metadata that came with the call, which is all that its interceptor and its method share. */
const records = new WeakMap<Metadata, RequestRecord>();

export function recordOf(metadata: Metadata): RequestRecord {
  return records.get(metadata)!;
}

/** @param isProbe asked every few seconds */
export function recordCall(
  call: { readonly path: string; readonly ip: string | undefined; readonly isProbe: boolean },
  metadata: Metadata,
  options: AppOptions,
): RequestRecord {
  const headers = headersOf(metadata);
  const method = call.path.split('/').at(-1);
  const span = startRequestSpan(call.path.slice(1), headers, { 'rpc.system': 'grpc', 'rpc.method': method });
  const isInference = method === 'ModelInfer';
  const record = new RequestRecord({ ...call, id: requestId(headers), span, method: 'gRPC', isInference }, options);
  records.set(metadata, record);
  return record;
}

export function headersOf(metadata: Metadata): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, value.toString()]));
}

/** What the caller is told of the call, besides its answer. */
export function responseMetadata({ origin }: RequestRecord): Metadata {
  const metadata = new Metadata();
  metadata.set('x-request-id', origin.id);
  return metadata;
}
