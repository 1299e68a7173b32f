// A client of the gRPC port, by the .proto files.

import {
  credentials,
  type Metadata,
  makeGenericClientConstructor,
  type ServiceDefinition,
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
  return clientOf(port, Object.fromEntries(loadMethods()), options);
}

function clientOf(port: number, methods: ServiceDefinition, options: object): Call {
  const Client = makeGenericClientConstructor(methods, 'any');
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  onTestFinished(() => client.close());
  return (method, request = {}, metadata) =>
    new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer: Message) => (error ? reject(error) : resolve(answer));
      client[method]!(request, ...(metadata ? [metadata] : []), done);
    });
}

/** Sends bytes as the message of ModelInfer. */
export function sendMessage(port: number, bytes: Buffer): Promise<Message> {
  const definition = { ...loadMethods().get('ModelInfer')!, requestSerialize: (bytes: Buffer) => bytes };
  return clientOf(port, { ModelInfer: definition }, {})('ModelInfer', bytes);
}

/** The status and the text of a call that is refused. */
export async function refusal(call: Promise<Message>): Promise<Pick<StatusObject, 'code' | 'details'>> {
  const error = await call.then(
    () => Promise.reject(new Error('the call is answered')),
    (error: ServiceError) => error,
  );
  return { code: error.code, details: error.details };
}
