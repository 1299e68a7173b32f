// Bundles and minifies the pages of this folder, from sources.

import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { filesInPage } from './files-in-page.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Where the pages' sources are. */
export const root = path('.');

/** With these headers, pages may share memory between threads. */
export const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export async function buildPages(outDir: string): Promise<void> {
  await build({
    ...{ root, configFile: false, logLevel: 'warn' },
    resolve: {
      alias: [
        { find: 'vitest', replacement: path('vitest-in-page.ts') },
        { find: /^@bn\/wasm\/worker/, replacement: path('../../src/worker.ts') },
        { find: /^@bn\/([^/]+)$/, replacement: path('../../../$1/src/index.ts') },
      ],
    },
    plugins: [filesInPage()],
    build: {
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 10_000,
      outDir,
      emptyOutDir: true,
      rolldownOptions: { input: [path('index.html'), path('strict.html')] },
    },
  });
}
