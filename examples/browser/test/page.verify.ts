// The page in Chromium, built and served as a reader gets it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeWith } from '@bn/conformance';
import { createTrainer } from '@bn/core';
import { subset } from '@bn/datasets';
import { fashionMnist, fashionMnistClassNames } from '@bn/fashion-mnist';
import { createBackend } from '@bn/wasm';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findChromium } from '../../../test/find-chromium.js';
import { fitting, model, training } from '../src/settings.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const executablePath = findChromium();
const requirement = {
  name: 'chromium',
  available: executablePath !== undefined,
  detail: 'install Chromium or Chrome, or set BN_CHROMIUM to its path',
};
const [limit, epochs] = [3000, 2];

/** What the worker has told the page about steps and epochs. */
interface Told {
  readonly losses: number[];
  readonly evaluations: { readonly loss: number; readonly accuracy: number }[];
}

/** The same training in Node, and what the network then takes the first test images for. */
async function trainHere(): Promise<{ told: Told; answers: string[] }> {
  const backend = await createBackend({ threads: 1 });
  const trainer = await createTrainer({ model, backend, ...training });
  const { train, test: testSet } = await fashionMnist();
  const told: Told = { losses: [], evaluations: [] };
  const data = { train: subset(train, limit), test: subset(testSet, limit) };
  for await (const event of trainer.fit({ ...data, ...fitting, epochs })) {
    if (event.type === 'step') told.losses.push(event.loss);
    if (event.type === 'evaluation') told.evaluations.push({ loss: event.loss, accuracy: event.metrics.accuracy! });
  }
  const { answers } = await trainer.evaluate(subset(testSet, 12));
  await backend.dispose();
  return { told, answers: Array.from(answers, (label) => fashionMnistClassNames[label]) };
}

/** Runs in the page before anything else: listens to what workers say, and pauses at a step. */
const listen = `
  globalThis.told = { losses: [], evaluations: [] };
  globalThis.Worker = class extends Worker {
    constructor(...options) {
      super(...options);
      this.addEventListener('message', ({ data: { type, event } }) => {
        if (type !== 'event') return;
        if (event.type === 'step' && told.losses.push(event.loss) === globalThis.pauseAt) document.querySelector('#train').click();
        if (event.type === 'evaluation') told.evaluations.push({ loss: event.loss, accuracy: event.metrics.accuracy });
      });
    }
  };`;

describeWith('the page', requirement, () => {
  const outDir = mkdtempSync(join(tmpdir(), 'bn-page-'));
  const servers: PreviewServer[] = [];
  let browser: Browser;
  let expected: Told;
  let answers: string[];

  beforeAll(async () => {
    await build({ root, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    ({ told: expected, answers } = await trainHere());
  });
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) await server.close();
    rmSync(outDir, { recursive: true, force: true });
  });

  /** A page that is ready to train; requests, errors and messages of its own to fail on are collected. */
  async function open(headers: Record<string, string>, query = ''): Promise<{ page: Page; wrong: string[] }> {
    const server = await preview({
      ...{ root, logLevel: 'warn', build: { outDir } },
      preview: { port: 0, host: '127.0.0.1', open: false, headers },
    });
    servers.push(server);
    const address = server.resolvedUrls!.local[0];
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
    const wrong: string[] = [];
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
    page.on('request', (request) => {
      if (!request.url().startsWith(address) && !/^(blob|data):/.test(request.url())) wrong.push(request.url());
    });
    await page.addInitScript(listen);
    await page.goto(`${address}?limit=${limit}&epochs=${epochs}${query}`);
    await state(page, 'ready');
    return { page, wrong };
  }

  const state = (page: Page, name: string) => page.waitForSelector(`main[data-state="${name}"]`, { timeout: 60_000 });
  const told = (page: Page) => page.evaluate<Told>('told');
  /** Pixels of a chart in colours: curves have some, axes and grid have none. */
  const drawn = (page: Page, id: string) =>
    page.evaluate<number>(`(() => {
      const canvas = document.querySelector('#${id} canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((red, i) => i % 4 === 0 && data[i + 3] > 128 && Math.abs(red - data[i + 2]) > 60).length;
    })()`);

  test('trains as Node does, also when paused; shows curves and images; starts again', async () => {
    const { page, wrong } = await open({});
    expect(await page.textContent('#threads')).toBe(await page.evaluate('String(navigator.hardwareConcurrency)'));
    expect(await page.isVisible('#reason')).toBe(false);
    const ids = ['batch-loss', 'epoch-loss', 'epoch-accuracy', 'gamma', 'beta'];
    for (const id of ids.slice(0, 3)) expect(await drawn(page, id), id).toBe(0);

    await page.evaluate('globalThis.pauseAt = 5');
    await page.click('#train');
    await state(page, 'paused');
    const { losses } = await told(page);
    expect(losses.length).toBeLessThan(expected.losses.length);
    await page.waitForTimeout(200);
    expect((await told(page)).losses).toEqual(losses);
    await page.click('#train');
    await state(page, 'finished');
    expect(await told(page)).toEqual(expected);
    expect(expected.losses.at(-1)).toBeLessThan(expected.losses[0]);

    await expect.poll(() => page.evaluate("document.querySelector('#progress').value")).toBe(1);
    for (const id of ids) expect(await drawn(page, id), id).toBeGreaterThan(30);
    expect(await page.textContent('#loss')).not.toBe('–');
    const shown = await page.locator('.answer').allTextContents();
    expect(shown.map((text) => /^[✓✗] (.+) \d+\u00a0%$/.exec(text)?.[1])).toEqual(answers);
    expect(await page.getAttribute('#gamma [role="img"]', 'aria-label')).toMatch(/channel 6 \d\.\d\d$/);

    await page.click('#reset');
    await state(page, 'ready');
    await page.evaluate('told.losses.length = globalThis.pauseAt = 0');
    await page.click('#train');
    await state(page, 'finished');
    expect((await told(page)).losses).toEqual(expected.losses);
    expect(wrong).toEqual([]);
  });

  test('trains on one thread where headers are missing, and says why', async () => {
    const none = { 'Cross-Origin-Opener-Policy': 'unsafe-none', 'Cross-Origin-Embedder-Policy': 'unsafe-none' };
    const { page, wrong } = await open(none);
    expect(await page.textContent('#threads')).toBe('1');
    expect(await page.textContent('#reason')).toContain('Cross-Origin-Opener-Policy: same-origin');
    await page.click('#train');
    await state(page, 'finished');
    expect(await told(page)).toEqual(expected);
    expect(wrong).toEqual([]);
  });

  test('fits a phone, in the dark', async () => {
    const { page, wrong } = await open({}, '&threads=1');
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.click('#train');
    await state(page, 'finished');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(16, 18, 22)');
    expect(await page.textContent('#threads')).toBe('1');
    expect(wrong).toEqual([]);
  });
});
