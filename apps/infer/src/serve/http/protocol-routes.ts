// The endpoints of the Open Inference Protocol v2.

import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { ServedModel } from '../models/served-model.js';
import { allStatistics } from '../models/statistics.js';
import { encodeResponse } from '../protocol/encode-response.js';
import { infer } from '../protocol/infer.js';
import { metadataOf, server } from '../protocol/metadata.js';
import { modelConfig } from '../protocol/model-config.js';
import { readHttp } from '../protocol/read-http.js';
import {
  inferenceRequest,
  inferenceResponse,
  modelConfig as modelConfigSchema,
  modelList,
  modelMetadata,
  modelReady,
  modelStatistics,
  serverLive,
  serverMetadata,
  serverReady,
} from '../protocol/schemas.js';
import { inSlices } from '../protocol/slices.js';
import type { AppOptions } from './create-app.js';
import { described } from './documentation.js';
import { releaseBody } from './read-body.js';
import { useModel } from './use-model.js';

interface ModelRoute {
  Params: { readonly name: string; readonly version?: string };
}

export function addProtocolRoutes(app: FastifyInstance, options: AppOptions): void {
  const { models, isReady, isLive, isDraining, timeout } = options;
  const { decoding } = options.budgets;
  app.get('/v2/health/live', { schema: schemas.live, config: { isPublic: true } }, async (_request, reply) => {
    const live = isLive();
    reply.code(live ? 200 : 503);
    return { live };
  });
  app.get('/v2/health/ready', { schema: schemas.ready, config: { isPublic: true } }, async (_request, reply) => {
    const ready = isReady() && !isDraining();
    reply.code(ready ? 200 : 503);
    return { ready };
  });
  app.get('/v2', { schema: schemas.server }, async () => server);
  app.get('/v2/models/stats', { schema: schemas.statistics }, () => allStatistics(models));
  app.get('/v2/models', { schema: schemas.models }, async () => ({ models: models.names }));

  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get<ModelRoute>(path, { schema: schemas.model }, async (request) =>
      useModel(models, request.record, request.params, (model) => metadataOf(model, parametersOf(model))),
    );
    app.get<ModelRoute>(`${path}/ready`, { schema: schemas.modelReady }, async (request, reply) =>
      useModel(models, request.record, request.params, ({ name }) => {
        const ready = isReady();
        reply.code(ready ? 200 : 503);
        return { name, ready };
      }),
    );
    app.get<ModelRoute>(`${path}/config`, { schema: schemas.config }, async (request) =>
      useModel(models, request.record, request.params, modelConfig),
    );
    app.get<ModelRoute>(`${path}/stats`, { schema: schemas.statistics }, async (request) =>
      useModel(models, request.record, request.params, ({ statistics }) => ({ model_stats: [statistics.report()] })),
    );
    app.post<ModelRoute>(`${path}/infer`, { schema: schemas.infer, config: { isInference: true } }, (request, reply) =>
      useModel(models, request.record, request.params, async (model) => {
        const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
        const headerLength = request.headers['inference-header-content-length'];
        const parsed = await inSlices(readHttp(body, headerLength?.toString(), model));
        // Images are parts of it.
        if ('features' in parsed.input) releaseBody(body);
        const answer = encodeResponse(await infer(model, parsed, { caller: request.record, timeout, decoding }));
        reply.headers(answer.headers);
        return answer.body;
      }),
    );
  }
}

/** The file's texts, and what the model takes and gives. */
function parametersOf({ metadata, signature }: ServedModel): Record<string, string> {
  return { ...metadata, ...(signature && { signature: JSON.stringify(signature) }) };
}

const json = (schema: z.ZodType) => ({ 'application/json': schema });
const health = ['health'];
const models = ['models'];

const schemas = {
  live: described({ summary: 'Whether the server lives', tags: health, answer: json(serverLive), errors: [503] }),
  ready: described({
    ...{ summary: 'Whether all models can be asked', tags: health, answer: json(serverReady), errors: [503] },
  }),
  server: described({ summary: 'What the server is', tags: models, answer: json(serverMetadata) }),
  models: described({ summary: 'The names of the models', tags: models, answer: json(modelList) }),
  model: described({
    ...{ summary: 'What a model takes and gives', tags: models, answer: json(modelMetadata), errors: [404] },
  }),
  config: described({
    ...{ summary: "A model's configuration", tags: models, answer: json(modelConfigSchema), errors: [404] },
  }),
  statistics: described({
    ...{ summary: 'What has been computed', tags: models, answer: json(modelStatistics), errors: [404] },
  }),
  modelReady: described({
    ...{ summary: 'Whether a model can be asked', tags: models, answer: json(modelReady), errors: [404, 503] },
  }),
  infer: described({
    summary: "A model's outputs for a batch of inputs",
    description:
      'Open Inference Protocol v2. Tensors may follow the JSON object as bytes; Inference-Header-Content-Length then says ' +
      'how long the object is, and binary_data_size of each tensor how many bytes it has.',
    tags: models,
    body: { 'application/json': inferenceRequest, 'application/octet-stream': null },
    answer: { 'application/json': inferenceResponse, 'application/octet-stream': null },
    errors: [400, 404, 413, 500, 503, 504],
  }),
};
