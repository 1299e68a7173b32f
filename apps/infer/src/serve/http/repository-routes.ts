// The endpoints of Triton's extension for model repositories: which models there are, and which are loaded.

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseSmallJson } from '../protocol/parse-json.js';
import { repositoryIndex, repositoryIndexRequest, repositoryRequest } from '../protocol/schemas.js';
import type { AppOptions } from './create-app.js';
import { described } from './documentation.js';

interface RepositoryRoute {
  Params: { readonly name: string };
  Body: Buffer | undefined;
}

export function addRepositoryRoutes(app: FastifyInstance, { models }: Pick<AppOptions, 'models'>): void {
  app.post<RepositoryRoute>('/v2/repository/index', { schema: schemas.index }, async ({ body }) => {
    const { ready = false } = parseSmallJson(body, repositoryIndexRequest);
    return models.index.filter(({ state }) => !ready || state === 'READY');
  });
  for (const task of ['load', 'unload'] as const) {
    app.post<RepositoryRoute>(
      `/v2/repository/models/:name/${task}`,
      { schema: schemas[task] },
      async ({ params, body }) => {
        parseSmallJson(body, repositoryRequest);
        await models[task](params.name);
        return {};
      },
    );
  }
}

const tags = ['models'];
const body = { 'application/json': repositoryRequest };
const answer = { 'application/json': z.object({}) };
const errors = [400, 403, 404, 500];

const schemas = {
  index: described({
    ...{ summary: 'All models, loaded or not', tags, errors: [400] },
    ...{ body: { 'application/json': repositoryIndexRequest }, answer: { 'application/json': repositoryIndex } },
  }),
  load: described({ summary: 'Loads a model, or its file again', tags, body, answer, errors }),
  unload: described({ summary: 'Unloads a model', tags, body, answer, errors }),
};
