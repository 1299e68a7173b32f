// The objects of the Open Inference Protocol v2 in JSON, and of its extension for binary tensor data.
// https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md

import { z } from 'zod';

const parameters = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const shape = z.array(z.int().nonnegative());

const requestInput = z.object({
  name: z.string(),
  shape,
  datatype: z.string(),
  parameters: parameters.optional().describe('binary_data_size: bytes of the tensor, after the JSON object'),
  data: z.array(z.unknown()).optional().describe('row-major elements, or arrays nested as the shape says'),
});

const requestOutput = z.object({
  name: z.string(),
  parameters: parameters.optional().describe('binary_data: whether the tensor is answered as bytes'),
});

export const inferenceRequest = z.object({
  id: z.string().optional(),
  parameters: parameters.optional().describe('binary_data_output: whether all tensors are answered as bytes'),
  inputs: z.array(requestInput).min(1),
  outputs: z.array(requestOutput).optional().describe('all, if left out'),
});

const responseOutput = z.object({
  name: z.string(),
  shape,
  datatype: z.string(),
  parameters: parameters.optional(),
  data: z.array(z.union([z.number(), z.boolean()])).optional(),
});

export const inferenceResponse = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  outputs: z.array(responseOutput),
});

const tensorMetadata = z.object({
  name: z.string(),
  datatype: z.enum(['BOOL', 'UINT8', 'INT32', 'FP32']),
  shape: z.array(z.int().min(-1)).describe('-1: any size'),
});

export const modelMetadata = z.object({
  name: z.string(),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensorMetadata),
  outputs: z.array(tensorMetadata),
  parameters: z.record(z.string(), z.string()).describe("the file's texts"),
});

const tensorConfig = z.object({
  name: z.string(),
  data_type: z.string(),
  dims: z.array(z.int().min(-1)).describe('without the batch'),
});

export const modelConfig = z.object({
  name: z.string(),
  platform: z.string(),
  backend: z.string().describe('what computes, in words'),
  version_policy: z.object({ latest: z.object({ num_versions: z.int() }) }),
  max_batch_size: z.int().describe('examples computed together, at most'),
  input: z.array(tensorConfig),
  output: z.array(tensorConfig),
  dynamic_batching: z.object({ max_queue_delay_microseconds: z.int() }),
});

const duration = z.object({ count: z.int(), ns: z.int() });
const computation = { compute_input: duration, compute_infer: duration, compute_output: duration };

const oneModelStatistics = z.object({
  name: z.string(),
  version: z.string(),
  last_inference: z.int().describe('milliseconds since 1970; 0: none'),
  inference_count: z.int().describe('examples answered'),
  execution_count: z.int().describe('batches computed'),
  inference_stats: z
    .object({ success: duration, fail: duration, queue: duration, ...computation })
    .extend({ cache_hit: duration, cache_miss: duration }),
  batch_stats: z.array(z.object({ batch_size: z.int(), ...computation })),
});
export const modelStatistics = z.object({ model_stats: z.array(oneModelStatistics) });

export const repositoryIndexRequest = z.object({
  ready: z.boolean().optional().describe('only models that are loaded'),
});
export const repositoryIndex = z.array(
  z.object({
    name: z.string(),
    version: z.string(),
    state: z.enum(['READY', 'UNAVAILABLE']),
    reason: z.string(),
  }),
);
const noParameters = 'a model is what its file says; leave the parameters out';
export const repositoryRequest = z.object({
  parameters: z.strictObject({ unload_dependents: z.boolean().optional() }, { error: noParameters }).optional(),
});

export const serverMetadata = z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) });
export const modelReady = z.object({ name: z.string(), ready: z.boolean() });
export const serverLive = z.object({ live: z.boolean() });
export const serverReady = z.object({ ready: z.boolean() });
export const modelList = z.object({ models: z.array(z.string()) });
export const errorResponse = z.object({ error: z.string() });

export type InferenceRequest = z.infer<typeof inferenceRequest>;
export type InferenceResponse = z.infer<typeof inferenceResponse>;
export type ModelConfig = z.infer<typeof modelConfig>;
export type ModelStatistics = z.infer<typeof oneModelStatistics>;
export type RepositoryIndex = z.infer<typeof repositoryIndex>;
export type ModelMetadata = z.infer<typeof modelMetadata>;
