// A model's configuration, as Triton's extension has it: as far as clients use it to make requests.

import type { Spec } from '@bn/core';
import type { ServedModel } from '../models/served-model.js';
import { datatypeOf } from './datatypes.js';
import { platform } from './metadata.js';
import type { ModelConfig } from './schemas.js';

export function modelConfig({ name, backend, input, outputs, limits }: ServedModel): ModelConfig {
  return {
    ...{ name, platform, backend, version_policy: { latest: { num_versions: 1 } } },
    max_batch_size: limits.maxBatch,
    input: [tensor(input.name, input.spec)],
    output: [...outputs].map(([name, spec]) => tensor(name, spec)),
    dynamic_batching: { max_queue_delay_microseconds: Math.round(limits.maxDelay * 1000) },
  };
}

/** Without the dimension of the batch. */
function tensor(name: string, { dtype, shape }: Spec): ModelConfig['input'][number] {
  return { name, data_type: `TYPE_${datatypeOf[dtype]}`, dims: shape.slice(1).map((n) => n ?? -1) };
}
