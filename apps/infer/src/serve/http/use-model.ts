// The model that a request names, and whether somebody waits for its answer.

import type { FastifyReply } from 'fastify';
import { HttpError } from '../http-error.js';
import type { Models, ServedModel } from '../models/served-model.js';

/**
 * @param request is told the name
 * @throws HttpError 404 if there is no such model, or no such version of it
 */
export function useModel<T>(
  models: Models,
  request: { modelName: string },
  { name, version }: { readonly name: string; readonly version?: string },
  task: (model: ServedModel) => T | Promise<T>,
): Promise<T> {
  return models.use(name, (model) => {
    request.modelName = name;
    if (version === undefined || version === model.version) return task(model);
    throw new HttpError(404, `model '${name}' has no version '${version}' now; it has ${model.version}`);
  });
}

/** Aborted when the connection ends before the answer is written. */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
