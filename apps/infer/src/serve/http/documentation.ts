// The server's description of itself: /openapi.json, and a page that shows it.

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import { z } from 'zod';
import { errorResponse } from '../protocol/schemas.js';
import { packageVersion } from './package-files.js';

export interface RouteDescription {
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly query?: z.ZodType;
  /** By content type; null for bytes. */
  readonly body?: Readonly<Record<string, z.ZodType | null>>;
  /** By content type; null for anything but JSON. */
  readonly answer: Readonly<Record<string, z.ZodType | null>>;
  /** The statuses of refusals and failures. */
  readonly errors?: readonly number[];
}

const reasons: Readonly<Record<number, string>> = {
  400: 'the request does not fit',
  401: 'the API key is missing or wrong',
  403: 'the server was not started for this',
  404: 'there is no such model',
  413: 'the request is too large',
  500: 'the server failed',
  503: 'not now; Retry-After says when to try again',
  504: 'it took too long',
};

/** A route's entry in /openapi.json. */
export function described({ query, body, answer, errors = [], ...texts }: RouteDescription): FastifySchema {
  const failures = errors.map((status) => [status, refused(status)]);
  return {
    ...texts,
    ...(query && { querystring: jsonSchema(query) }),
    ...(body && { body: { content: contentOf(body) } }),
    response: { 200: { description: 'the answer', content: contentOf(answer) }, ...Object.fromEntries(failures) },
  } as FastifySchema;
}

function refused(status: number): object {
  return { description: reasons[status], content: contentOf({ 'application/json': errorResponse }) };
}

/** `POST /v2/models/:name/infer` → `postV2ModelsNameInfer`: what generated clients call it. */
function nameOf({ method, url }: RouteOptions): string {
  const words = [String(method).toLowerCase(), ...url.split(/\W+/).filter((word) => word !== '')];
  return words.map((word, i) => (i === 0 ? word : word[0]!.toUpperCase() + word.slice(1))).join('');
}

/** To be called before there are routes. */
export async function addDocumentation(app: FastifyInstance, { hasKey }: { hasKey: boolean }): Promise<void> {
  app.addHook('onRoute', (route) => {
    if (!route.schema || route.schema.hide) return;
    route.schema = { ...route.schema, operationId: nameOf(route) };
    if (!hasKey) return;
    const { response } = route.schema;
    const isPublic = route.config?.isPublic;
    Object.assign(
      route.schema,
      isPublic ? { security: [] } : { response: { ...(response as object), 401: refused(401) } },
    );
  });
  await app.register(swagger, {
    transformObject(document) {
      if (!('openapiObject' in document)) return document.swaggerObject;
      const { openapiObject } = document;
      // The plugin takes every body to be required.
      for (const [path, item] of Object.entries(openapiObject.paths ?? {})) {
        if (path.startsWith('/v2/repository/')) Object.assign(item?.post?.requestBody ?? {}, { required: false });
      }
      return openapiObject;
    },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: '@bn/infer',
        version: packageVersion,
        description: 'Models by the Open Inference Protocol v2, and classification of images.',
      },
      ...(hasKey && {
        components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
        security: [{ key: [] }],
      }),
    },
  });
  let text: string | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    reply.type('application/json; charset=utf-8');
    // Once: who asks a thousand times in one breath would keep others waiting for seconds.
    text ??= JSON.stringify(app.swagger());
    return text;
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { layout: 'BaseLayout' },
    staticCSP:
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'",
  });
}

function contentOf(types: Readonly<Record<string, z.ZodType | null>>): Record<string, { schema: object }> {
  const schemaOf = (type: z.ZodType | null) => ({ schema: type ? jsonSchema(type) : bytes });
  return Object.fromEntries(Object.entries(types).map(([name, type]) => [name, schemaOf(type)]));
}

const bytes = { type: 'string', format: 'binary' };

function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return json;
}
