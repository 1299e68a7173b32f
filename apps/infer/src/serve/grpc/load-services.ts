// The services of the gRPC port, from their .proto files.

import { fileURLToPath } from 'node:url';
import type { MethodDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { packageFile } from '../http/package-files.js';

/** Numbers of 64 bits beyond 2 ** 53 are rounded: none that is used here is so large. */
const options = { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true } as const;

const services = [
  ['open_inference', 'inference.GRPCInferenceService'],
  ['extensions', 'inference.GRPCInferenceService'],
  ['health', 'grpc.health.v1.Health'],
] as const;

// biome-ignore lint/suspicious/noExplicitAny: messages are what the .proto files say
export type Method = MethodDefinition<any, any>;

/** All methods by name. Two files declare methods of one service: those of the protocol, and of its extensions. */
export function loadMethods(): ReadonlyMap<string, Method> {
  const methods = services.flatMap(([file, service]) => {
    const definition = loadSync(fileURLToPath(packageFile(`proto/${file}.proto`)), options)[service];
    return Object.entries(definition as Readonly<Record<string, Method>>);
  });
  return new Map(methods);
}
