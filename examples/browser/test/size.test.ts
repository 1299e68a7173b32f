// What @bn/core and @bn/wasm add to a page.

import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { expect, test } from 'vitest';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** As the example's worker uses them. */
const entry = `
import { batchNorm, createTrainer, defineModel, sgd, classification } from '@bn/core';
import { createBackend } from '@bn/wasm';
import { lenet } from '@bn/models';
const model = defineModel(lenet({ normalization: () => batchNorm() }), { input: { shape: [null, 1, 28, 28], dtype: 'float32' } });
const trainer = await createTrainer({ model, backend: await createBackend(), objective: classification(), optimizer: sgd() });
trainer.fit({ train: globalThis.data, epochs: 1, learningRate: 1 });
`;

test('core and wasm, minified and gzipped, are below 80 kB, and look for nothing of Node', async () => {
  const id = 'virtual:entry';
  const built = (await build({
    ...{ root: path('..'), configFile: false, logLevel: 'silent' },
    resolve: { alias: [{ find: /^@bn\/([^/]+)$/, replacement: path('../../../packages/$1/src/index.ts') }] },
    plugins: [
      {
        name: 'entry',
        resolveId: (wanted) => (wanted === id ? id : undefined),
        load: (wanted) => (wanted === id ? entry : undefined),
      },
    ],
    build: { write: false, minify: true, target: 'es2022', rolldownOptions: { input: id } },
  })) as Rolldown.RolldownOutput;
  const code = built.output.map((chunk) => (chunk.type === 'chunk' ? chunk.code : '')).join('\n');
  const gzipped = gzipSync(code).length;
  console.log(`@bn/core + @bn/wasm: ${code.length} bytes minified, ${gzipped} gzipped`);
  expect(code).toContain('softmax');
  expect(gzipped).toBeLessThan(80_000);
  expect(code).not.toMatch(/from\s*["']node:|import\(["'`]node:|externalized/);
});
