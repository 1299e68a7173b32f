// The model that a request names.

import { HttpError } from '../http-error.js';
import type { Models, ServedModel } from '../models/served-model.js';

/**
 * @param record is told the name
 * @throws HttpError 404 if there is no such model, or no such version of it
 */
export function useModel<T>(
  models: Models,
  record: { modelName: string },
  { name, version }: { readonly name: string; readonly version?: string },
  task: (model: ServedModel) => T | Promise<T>,
): Promise<T> {
  return models.use(name, (model) => {
    record.modelName = name;
    if (version === undefined || version === model.version) return task(model);
    throw new HttpError(404, `model '${name}' has no version '${version}' now; it has ${model.version}`);
  });
}
