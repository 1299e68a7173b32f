// The page to draw on.

import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { packageFile } from './package-files.js';

/** Nothing from elsewhere, and nothing that stands in the page itself. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' } as const;
const scripts = ['main', 'class-list', 'drawing-pad', 'server'].map((name) => `dist/page/${name}.js`);
const files = ['src/page/style.css', 'src/page/icon.svg', ...scripts];

export function addPageRoutes(app: FastifyInstance): void {
  add('/', 'src/page/index.html');
  for (const file of files) add(`/page/${file.split('/').at(-1)}`, file);

  function add(url: string, file: string): void {
    const ending = file.split('.').at(-1) as keyof typeof types;
    app.get(url, { schema: { hide: true } }, async (_request, reply) => {
      reply.headers({
        'content-type': `${types[ending]}; charset=utf-8`,
        'content-security-policy': policy,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      });
      return readFile(packageFile(file));
    });
  }
}
