// In pages of Firefox and WebKitGTK: the conformance suite, and a training that gives Node's numbers. These browsers are
// started with the page's address; the page posts what came of it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describeWith } from '@bn/conformance';
import { createBackend } from '@bn/wasm';
import { preview } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { browsers as found } from '../../../test/find-browser.js';
import { startBrowser } from '../../../test/start-browser.js';
import { buildPages, isolation, root } from './page/build-page.js';
import { trainLenet } from './page/train-lenet.js';

interface Trained {
  readonly device: { readonly description: string; readonly reason?: string };
  readonly losses: readonly number[];
}

interface Outcome {
  readonly failure?: string;
  readonly suite: { readonly passed: number; readonly failures: readonly string[] };
  readonly exact: Trained;
  readonly fast: Trained;
}

const { firefox, webkitgtk } = found;
const browsers = [
  {
    ...{ ...firefox, title: 'firefox' },
    env: {},
    device: { description: expect.stringContaining('2 threads') },
  },
  {
    ...{ ...webkitgtk, title: 'webkitgtk, whose threads share no memory', env: {} },
    device: {
      description: expect.stringContaining('1 thread'),
      reason: expect.stringContaining('no SharedArrayBuffer'),
    },
  },
  {
    ...{ ...webkitgtk, title: 'webkitgtk, with the option by which they do', env: { JSC_useSharedArrayBuffer: '1' } },
    device: { description: expect.stringContaining('2 threads') },
  },
];

/** What the page posts when it is opened by the command. */
async function outcomeOf({ command, env }: (typeof browsers)[number], outDir: string): Promise<Outcome> {
  let settle: (outcome: Outcome) => void;
  let fail: (error: Error) => void;
  const posted = new Promise<Outcome>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  const server = await preview({
    ...{ root, configFile: false, logLevel: 'warn', build: { outDir } },
    preview: { port: 0, host: '127.0.0.1', headers: isolation },
    plugins: [
      {
        name: 'outcome',
        configurePreviewServer: ({ middlewares }) => {
          middlewares.use('/outcome', (request, response) => {
            response.end();
            text(request).then((body) => settle(JSON.parse(body)), fail);
          });
        },
      },
    ],
  });
  const browser = startBrowser({ command }, `${server.resolvedUrls!.local[0]}index.html#report`, env);
  try {
    return await Promise.race([posted, browser.failed]);
  } finally {
    await browser.end();
    await server.close();
  }
}

for (const browser of browsers) {
  describeWith(`@bn/wasm in ${browser.title}`, browser, () => {
    const outDir = mkdtempSync(join(tmpdir(), 'bn-page-'));
    let outcome: Outcome;
    let expected: { exact: number[]; fast: number[] };

    beforeAll(async () => {
      await buildPages(outDir);
      outcome = await outcomeOf(browser, outDir);
      const here = async (exact: boolean) => trainLenet(await createBackend({ threads: 1, exact }));
      expected = { exact: await here(true), fast: await here(false) };
    });
    afterAll(() => rmSync(outDir, { recursive: true, force: true }));

    test('passes the conformance suite', () => {
      expect(outcome.failure).toBeUndefined();
      expect(outcome.suite.failures).toEqual([]);
      expect(outcome.suite.passed).toBeGreaterThan(500);
    });

    test("trains to Node's numbers: with exact to the last bit", () => {
      const { exact, fast } = outcome;
      for (const { device } of [exact, fast]) expect(device).toEqual({ kind: 'cpu', ...browser.device });
      expect(exact.losses).toEqual(expected.exact);
      // Engines may round a multiply-add once or twice.
      expect(fast.losses).toEqual(expected.fast.map((loss) => expect.closeTo(loss, 4)));
    });
  });
}
