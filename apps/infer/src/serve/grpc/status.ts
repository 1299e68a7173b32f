// Refusals and failures as gRPC has them, with the texts that HTTP answers.

import { status as codes, type StatusObject } from '@grpc/grpc-js';
import { explain } from '../http/failures.js';

const byStatus: Readonly<Record<number, codes>> = {
  400: codes.INVALID_ARGUMENT,
  401: codes.UNAUTHENTICATED,
  403: codes.PERMISSION_DENIED,
  404: codes.NOT_FOUND,
  413: codes.RESOURCE_EXHAUSTED,
  499: codes.CANCELLED,
  500: codes.INTERNAL,
  503: codes.UNAVAILABLE,
  504: codes.DEADLINE_EXCEEDED,
};

export function statusOf(error: Error): Pick<StatusObject, 'code' | 'details'> {
  const { status, message } = explain(error);
  return { code: byStatus[status] ?? codes.UNKNOWN, details: message };
}
