import { defineConfig } from 'vite';

// Browsers share memory between threads only in pages with these headers. Without them, one thread trains.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  // Works in any folder of a server.
  base: './',
  build: { target: 'es2022' },
  worker: { format: 'es' },
  server: { headers },
  preview: { headers },
});
