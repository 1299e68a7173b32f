// In a page of Chromium, bundled and minified: on its own thread, without shared memory, and under a strict policy.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '@bn/conformance';
import { createBackend } from '@bn/wasm';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findChromium } from '../../../test/find-chromium.js';
import { buildPages, isolation, root } from './page/build-page.js';
import { trainLenet } from './page/train-lenet.js';

const executablePath = findChromium();
const requirement = {
  name: 'chromium',
  available: executablePath !== undefined,
  detail: 'install Chromium or Chrome, or set BN_CHROMIUM to its path',
};

interface Trained {
  readonly device: { readonly description: string; readonly reason?: string };
  readonly losses: readonly number[];
}

describeWith('@bn/wasm in a page', requirement, () => {
  const outDir = mkdtempSync(join(tmpdir(), 'bn-page-'));
  const servers: PreviewServer[] = [];
  let browser: Browser;
  let expected: number[];

  beforeAll(async () => {
    await buildPages(outDir);
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    const backend = await createBackend({ threads: 1 });
    expected = await trainLenet(backend);
    await backend.dispose();
  });
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) await server.close();
    rmSync(outDir, { recursive: true, force: true });
  });

  async function open(file: string, isolated: boolean, more: Record<string, string> = {}): Promise<Page> {
    const headers = { ...(isolated && isolation), ...more };
    const server = await preview({
      ...{ root, configFile: false, logLevel: 'warn', build: { outDir } },
      preview: { port: 0, host: '127.0.0.1', headers },
    });
    servers.push(server);
    const page = await browser.newPage();
    const errors: Error[] = [];
    page.on('pageerror', (error) => errors.push(error));
    await page.goto(`${server.resolvedUrls!.local[0]}${file}`);
    expect(errors).toEqual([]);
    await expect.poll(() => page.evaluate('globalThis.loaded')).toBe(true);
    return page;
  }

  test('passes the conformance suite on the thread of the page', async () => {
    const page = await open('index.html', true);
    const { passed, failures } = await page.evaluate<{ passed: number; failures: string[] }>('runSuite()');
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(500);
  });

  test.each([1, 2, 3])('computes to the last bit what Node does, on %i threads', async (threads) => {
    const page = await open('index.html', true);
    const { device, losses } = await page.evaluate<Trained>(`train(${threads})`);
    expect(device.description).toContain(`${threads} thread`);
    expect(losses).toEqual(expected);
  });

  test('computes on one thread where memory cannot be shared, and says why', async () => {
    const page = await open('index.html', false);
    const { device, losses } = await page.evaluate<Trained>('train(2)');
    expect(device.description).toContain('1 thread)');
    expect(device.reason).toMatch(
      /^one thread: memory cannot be shared: .*Cross-Origin-Opener-Policy: same-origin and/,
    );
    expect(losses).toEqual(expected);
  });

  test('under a policy without workers from text, takes workers that the page makes; else one thread', async () => {
    const page = await open('strict.html', true);
    const own = await page.evaluate<Trained>('train({ createWorker: () => new BnWorker() })');
    expect(own.device).toEqual({ kind: 'cpu', description: expect.stringContaining('2 threads') });
    expect(own.losses).toEqual(expected);
    const { device, losses } = await page.evaluate<Trained>('train({})');
    expect(device.reason).toMatch(/^one thread: .*the page forbids blob: workers, give createWorker/);
    expect(losses).toEqual(expected);
  });

  test('under a policy without WebAssembly, says how to allow it', async () => {
    const page = await open('strict.html', true, { 'Content-Security-Policy': "script-src 'self'" });
    const failure = await page.evaluate<string>('train({}).catch((error) => error.message)');
    expect(failure).toMatch(
      /^wasm cannot compute: compiling WebAssembly is forbidden here \(.*\); .*'wasm-unsafe-eval' in its content/,
    );
  });
});
