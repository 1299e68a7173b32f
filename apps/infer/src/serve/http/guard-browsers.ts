// What pages in a browser may do here: only those of this server, and of the origins that are allowed.

import { hostName, isOwnHost } from '@bn/command-line';
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import { HttpError } from '../http-error.js';

export interface BrowserOptions {
  /** Whose pages may call the server; `*`: all. */
  readonly allowOrigin: readonly string[];
  /** The names that it goes by, without ports; null: any. */
  readonly hosts: readonly string[] | null;
}

/** To be called before there are other hooks: browsers ask first whether they may ask, without a key. */
export async function allowOrigins(app: FastifyInstance, { allowOrigin }: BrowserOptions): Promise<void> {
  if (allowOrigin.length === 0) return;
  await app.register(cors, {
    origin: allowOrigin.includes('*') ? '*' : [...allowOrigin],
    methods: ['GET', 'HEAD', 'POST'],
    exposedHeaders: ['inference-header-content-length', 'retry-after', 'x-request-id'],
    maxAge: 600,
    strictPreflight: false,
  });
}

/** @returns a check of the header Host, which throws HttpError 421: see `isOwnHost` */
export function hostCheck({ allowOrigin, hosts }: BrowserOptions): (host?: string) => void {
  if (!hosts) return () => {};
  const origins = allowOrigin.filter((origin) => origin !== '*');
  const names = new Set([...hosts, ...origins.map((origin) => new URL(origin).hostname)]);
  return (host = 'localhost') => {
    if (isOwnHost(host, names)) return;
    throw new HttpError(
      421,
      `the host '${hostName(host).slice(0, 100)}' is not this server's; use its address, --host, --allow-origin or an API key`,
    );
  };
}
