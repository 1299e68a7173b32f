// What the protocol tells about a model.

import type { Spec } from '@bn/core';
import { packageVersion } from '../http/package-files.js';
import type { ServedModel } from '../models/served-model.js';
import { datatypeOf } from './datatypes.js';
import type { ModelInterface } from './parse-request.js';
import type { ModelMetadata } from './schemas.js';

/** What the server tells of itself. */
export const server = {
  ...{ name: 'bn', version: packageVersion },
  extensions: ['binary_tensor_data', 'model_configuration', 'model_repository', 'statistics'],
};

export const platform = 'onnx_onnxv1';

export function metadataOf(
  { name, version, input, outputs }: ModelInterface & Pick<ServedModel, 'name' | 'version'>,
  parameters: Readonly<Record<string, string>>,
): ModelMetadata {
  return {
    ...{ name, versions: [version], platform },
    inputs: [tensor(input.name, input.spec)],
    outputs: [...outputs].map(([name, spec]) => tensor(name, spec)),
    parameters,
  };
}

function tensor(name: string, { dtype, shape }: Spec): ModelMetadata['inputs'][number] {
  return {
    name,
    datatype: datatypeOf[dtype] as ModelMetadata['inputs'][number]['datatype'],
    shape: shape.map((n) => n ?? -1),
  };
}
