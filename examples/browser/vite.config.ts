// Builds the pages, and serves them with the headers that make them cross-origin isolated: threads need them.

import { defineConfig, type UserConfig } from 'vite';

const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const config: UserConfig = defineConfig({
  // Works in any folder of a server.
  base: './',
  build: { assetsInlineLimit: 0, rolldownOptions: { input: ['index.html', 'bench.html'] } },
  worker: { format: 'es' },
  server: { headers },
  preview: { headers },
});
export default config;
