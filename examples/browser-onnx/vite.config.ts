// Builds the page, and serves it with the headers that let ONNX Runtime compute on several threads.

import { defaultClientConditions, defineConfig, type UserConfig } from 'vite';

const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const config: UserConfig = defineConfig({
  base: './',
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  // The threads' program must stay a file.
  build: { assetsInlineLimit: 0 },
  preview: { headers },
});
export default config;
