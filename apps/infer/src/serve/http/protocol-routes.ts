// The endpoints of the Open Inference Protocol v2.

import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { encodeResponse } from '../protocol/encode-response.js';
import { metadataOf } from '../protocol/metadata.js';
import { parseRequest } from '../protocol/parse-request.js';
import type { AppOptions } from './create-app.js';
import { goneSignal, useModel } from './use-model.js';

interface ModelRoute {
  Params: { readonly name: string; readonly version?: string };
}

export function addProtocolRoutes(app: FastifyInstance, options: AppOptions): void {
  const { models, isReady, isDraining } = options;
  app.get('/v2/health/live', { config: { isPublic: true } }, async () => ({ live: true }));
  app.get('/v2/health/ready', { config: { isPublic: true } }, async (_request, reply) => {
    const ready = isReady() && !isDraining();
    reply.code(ready ? 200 : 503);
    return { ready };
  });
  app.get('/v2', async () => ({ name: 'bn', version, extensions: ['binary_tensor_data'] }));
  app.get('/v2/models', async () => ({ models: models.names }));

  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get<ModelRoute>(path, async (request) =>
      useModel(models, request, request.params, (model) => metadataOf(model.name, model, model.metadata)),
    );
    app.get<ModelRoute>(`${path}/ready`, async (request, reply) =>
      useModel(models, request, request.params, ({ name }) => {
        const ready = isReady();
        reply.code(ready ? 200 : 503);
        return { name, ready };
      }),
    );
    app.post<ModelRoute>(`${path}/infer`, { config: { isInference: true } }, (request, reply) =>
      useModel(models, request, request.params, async (model) => {
        const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
        const headerLength = request.headers['inference-header-content-length'];
        const parsed = parseRequest(body, headerLength?.toString(), model);
        const outputs = await model.predict('outputs', parsed.features, parsed.rows, goneSignal(reply));
        const answer = encodeResponse(model.name, parsed, outputs);
        reply.headers(answer.headers);
        return answer.body;
      }),
    );
  }
}

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
