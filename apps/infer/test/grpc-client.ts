// A client of the gRPC port, by the .proto files.

import {
  credentials,
  type Metadata,
  makeGenericClientConstructor,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { loadMethods } from '../src/serve/grpc/load-services.js';

// biome-ignore lint/suspicious/noExplicitAny: messages are what the .proto files say
export type Message = any;

/** Calls a method. Rejects with a `ServiceError`. */
export type Call = (method: string, request?: Message, metadata?: Metadata) => Promise<Message>;

export function createGrpcClient(port: number, options: object = {}): Call {
  const Client = makeGenericClientConstructor(Object.fromEntries(loadMethods()), 'any');
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  onTestFinished(() => client.close());
  return (method, request = {}, metadata) =>
    new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer: Message) => (error ? reject(error) : resolve(answer));
      client[method]!(request, ...(metadata ? [metadata] : []), done);
    });
}

/** The name of the status and the text of a call that is refused. */
export async function refusal(call: Promise<Message>): Promise<Pick<StatusObject, 'code' | 'details'>> {
  const error = await call.then(
    () => Promise.reject(new Error('the call is answered')),
    (error: ServiceError) => error,
  );
  return { code: error.code, details: error.details };
}
