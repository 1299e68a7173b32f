// Methods that a path does not have: 405 with those that it has, where the router alone would say 404.

import type { FastifyInstance, HTTPMethods } from 'fastify';
import { HttpError } from '../http-error.js';

/**
 * To be called before there are routes.
 *
 * @returns to be called when all routes are there
 */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  const known = new Map<string, Set<string>>();
  const note = ({ url, method }: { url: string; method: string | string[] }) => {
    const methods = known.get(url) ?? new Set();
    known.set(url, methods);
    for (const one of [method].flat()) methods.add(one);
  };
  app.addHook('onRoute', note);
  return () => {
    for (const [url, methods] of [...known]) {
      const allow = [...methods].sort().join(', ');
      app.route({
        url,
        method: app.supportedMethods.filter((method) => !methods.has(method)) as HTTPMethods[],
        schema: { hide: true },
        // Before the body is read.
        async onRequest({ method }) {
          throw new HttpError(405, `${method} is not allowed here; the methods are ${allow}`, { allow });
        },
        handler: () => {},
      });
    }
  };
}
