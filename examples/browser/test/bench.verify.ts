// The page that measures, in Chromium and Firefox, built and served as a visitor gets it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createTrainer } from '@bn/core';
import { subset } from '@bn/datasets';
import { fashionMnist } from '@bn/fashion-mnist';
import { createBackend } from '@bn/wasm';
import { build, preview } from 'vite';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { browsers } from '../../../test/find-browser.js';
import { findChromium } from '../../../test/find-chromium.js';
import { startBrowser } from '../../../test/start-browser.js';
import type { Result } from '../src/bench/messages.js';
import { fitting, learning, model } from '../src/bench/recipe.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const outDir = mkdtempSync(join(tmpdir(), 'bn-bench-page-'));
const limit = 3000;
const chromium = findChromium();
const tried = [
  {
    name: 'chromium',
    available: chromium !== undefined,
    detail: 'install Chromium or Chrome, or set BN_CHROMIUM to its path',
    command: (address: string, profile: string) => [
      ...[chromium!, '--headless', '--no-sandbox', '--no-first-run', `--user-data-dir=${profile}`, address],
    ],
  },
  browsers.firefox,
];

/** In the page: tells the server what came of it. */
const observer = `
const main = document.querySelector('main');
new MutationObserver(() => {
  const [result, status, reason] = [document.querySelector('#result').value, ...['status', 'reason'].map((id) => document.getElementById(id).textContent)];
  fetch('outcome', { method: 'POST', body: JSON.stringify({ state: main.dataset.state, result, status, reason }) });
}).observe(main, { attributeFilter: ['data-state'] });
`;

interface Outcome {
  readonly state: string;
  readonly result: string;
  readonly status: string;
  /** Why there is one thread only. */
  readonly reason: string;
}

let expected: number[];

beforeAll(async () => {
  await build({
    ...{ root, logLevel: 'warn', build: { outDir, emptyOutDir: true } },
    plugins: [
      {
        name: 'observer',
        transformIndexHtml: {
          order: 'post',
          handler: () => [{ tag: 'script', attrs: { type: 'module', src: './observer.js' }, injectTo: 'body' }],
        },
      },
    ],
  });
  const backend = await createBackend({ threads: 1 });
  const trainer = await createTrainer({ model, backend, ...learning, seed: 1 });
  const { train, test } = await fashionMnist();
  expected = [];
  for await (const event of trainer.fit({ train: subset(train, limit), test: subset(test, limit), ...fitting })) {
    if (event.type === 'evaluation') expected.push(event.metrics.accuracy!);
  }
  await backend.dispose();
});
afterAll(() => rmSync(outDir, { recursive: true, force: true }));

/** What the page has told when it is finished or failed. */
async function outcomeOf(browser: (typeof tried)[number], headers: Record<string, string>): Promise<Outcome> {
  let resolve: (outcome: Outcome) => void;
  const promise = new Promise<Outcome>((settle) => {
    resolve = settle;
  });
  const server = await preview({
    ...{ root, logLevel: 'warn', build: { outDir } },
    preview: { port: 0, host: '127.0.0.1', open: false, headers },
    plugins: [
      {
        name: 'outcome',
        configurePreviewServer: ({ middlewares }) => {
          middlewares.use('/observer.js', (_, response) => {
            response.setHeader('Content-Type', 'text/javascript');
            response.end(observer);
          });
          middlewares.use('/outcome', (request, response) => {
            response.end();
            text(request).then((body) => resolve(JSON.parse(body)));
          });
        },
      },
    ],
  });
  onTestFinished(() => server.close());
  const started = startBrowser(browser, `${server.resolvedUrls!.local[0]}bench.html?limit=${limit}&seed=1`);
  onTestFinished(() => started.end());
  return Promise.race([promise, started.failed]);
}

test.for(tried)(
  'in $name, learns what Node learns, on all processors, and says how long it took',
  async (browser, { skip }) => {
    skip(!browser.available, browser.detail);
    const { state, result, status, reason } = await outcomeOf(browser, {});
    expect({ state, status, reason }).toEqual({ state: 'finished', status: 'Finished.', reason: '' });
    const told = JSON.parse(result) as Result;
    expect(told).toMatchObject({ crossOriginIsolated: true, threads: told.cores, seed: 1, trainingImages: limit });
    // Engines may round a multiply-add once or twice.
    expect(told.evaluations.map(({ accuracy }) => accuracy)).toEqual(expected.map((one) => expect.closeTo(one, 2)));
    const seconds = [told.secondsToData, told.secondsToFirstStep, ...told.evaluations.map((one) => one.seconds)];
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
    expect(told.secondsTo85).toBe(told.evaluations.find(({ accuracy }) => accuracy >= 0.85)?.seconds ?? null);
    expect(told.downloadedBytes).toBeGreaterThan(30e6);
    expect(told.examplesPerSecond).toBeGreaterThan(0);
  },
);

test.for(tried)(
  'in $name, without isolation, learns the same on one thread and says why',
  async (browser, { skip }) => {
    skip(!browser.available, browser.detail);
    const none = { 'Cross-Origin-Opener-Policy': 'unsafe-none', 'Cross-Origin-Embedder-Policy': 'unsafe-none' };
    const { result, reason } = await outcomeOf(browser, none);
    const told = JSON.parse(result) as Result;
    expect(told).toMatchObject({ crossOriginIsolated: false, threads: 1, reason });
    expect(reason).toContain('Cross-Origin-Opener-Policy: same-origin');
    expect(told.evaluations.map(({ accuracy }) => accuracy)).toEqual(expected.map((one) => expect.closeTo(one, 2)));
  },
);

test.for(tried)('in $name, under a policy without WebAssembly, says how to allow it', async (browser, { skip }) => {
  skip(!browser.available, browser.detail);
  const { state, status } = await outcomeOf(browser, { 'Content-Security-Policy': "script-src 'self'" });
  expect(state).toBe('failed');
  expect(status).toMatch(
    /^Stopped: wasm cannot compute: .* forbidden here \(.+\); .*'wasm-unsafe-eval' in its content/,
  );
});

test('in a Firefox that has shared memory turned off, says so and not that headers are missing', async ({ skip }) => {
  skip(!browsers.firefox.available, browsers.firefox.detail);
  const command = (address: string, profile: string) => {
    writeFileSync(join(profile, 'user.js'), 'user_pref("javascript.options.shared_memory", false);');
    return browsers.firefox.command(address, profile);
  };
  const { result, reason } = await outcomeOf({ ...browsers.firefox, command }, {});
  expect(JSON.parse(result)).toMatchObject({ crossOriginIsolated: true, threads: 1 });
  expect(reason).toMatch(
    /the page is cross-origin isolated, but this engine has no SharedArrayBuffer; .*another browser/,
  );
});
