// The page in a browser: what is drawn, dropped or chosen is classified at once.

import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { findChromium } from '../../../test/find-chromium.js';
import { startServer } from './serve-process.js';
import { lightIn, testFolder, whereTheLightIs } from './small-model.js';

const executablePath = findChromium();
let browser: Browser | undefined;
beforeAll(async () => {
  // In containers there is no sandbox to be had.
  if (executablePath) browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
});
afterAll(() => browser?.close());

/** The page of a server with two models that know the corners, the second one moved on by one. */
async function openPage(context: TestContext, options: Parameters<Browser['newPage']>[0] = {}, key?: string) {
  if (!browser) context.skip('there is no Chromium; BN_CHROMIUM names one');
  const files = { 'light.onnx': whereTheLightIs(), 'moved.onnx': whereTheLightIs({ shift: 1 }) };
  const folder = testFolder(files);
  const server = await startServer(
    Object.keys(files).map((name) => join(folder, name)),
    key ? { BN_API_KEY: key } : {},
  );
  const page = await browser!.newPage(options);
  onTestFinished(() => page.close());
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith('blob:')) complaints.push(request.url());
  });
  return { page, server, complaints };
}

const best = (page: Page) => page.getByRole('status').textContent();
const says = (page: Page, text: string) => expect.poll(() => best(page)).toMatch(text);
/** A stroke, in shares of the pad. */
async function draw(page: Page, ...points: readonly (readonly [number, number])[]): Promise<void> {
  const { x, y, width, height } = (await page.locator('#pad').boundingBox())!;
  const to = async ([i, j]: readonly [number, number]) => page.mouse.move(x + i * width, y + j * height, { steps: 5 });
  await to(points[0]!);
  await page.mouse.down();
  for (const point of points) await to(point);
  await page.mouse.up();
}
/** Light in the top right corner. */
const topRight = [
  [0.7, 0.2],
  [0.9, 0.2],
  [0.7, 0.35],
  [0.9, 0.35],
] as const;

describe('the page', () => {
  it('classifies while one draws; undoes, clears, and takes another model', async (context) => {
    const { page, server, complaints } = await openPage(context);
    await page.goto(server.url);
    await expect.poll(() => page.locator('#classes li').count()).toBe(4);
    expect(await best(page)).toBe('nothing yet');
    await draw(page, ...topRight);
    await says(page, 'top right, ');
    const bars = page.locator('#classes li');
    expect(await bars.nth(1).getAttribute('class')).toBe('first');
    const width = (i: number) =>
      bars
        .nth(i)
        .locator('.bar')
        .evaluate((bar) => bar.getBoundingClientRect().width);
    await expect.poll(async () => (await width(1)) > (await width(0))).toBe(true);
    await page.getByRole('combobox').selectOption('moved');
    await says(page, 'bottom left, ');
    await page.getByRole('button', { name: 'Undo' }).click();
    await says(page, 'nothing yet');
    await draw(page, ...topRight);
    await says(page, 'bottom left, ');
    await page.getByRole('button', { name: 'Clear' }).click();
    await says(page, 'nothing yet');
    expect(complaints).toEqual([]);
  });

  it('classifies a picture that is dropped, or chosen, and inverts it', async (context) => {
    const { page, server, complaints } = await openPage(context);
    await page.goto(server.url);
    const bytes = JSON.stringify([...(await lightIn(2))]);
    const transfer = await page.evaluateHandle(`{
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(${bytes})], 'a.png', { type: 'image/png' }));
      transfer;
    }`);
    await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
    await says(page, 'bottom left, ');
    await page.locator('#file').setInputFiles({ name: 'b.png', mimeType: 'image/png', buffer: await lightIn(3) });
    await says(page, 'bottom right, ');
    await page.getByLabel('Invert').check();
    await says(page, 'top left, ');
    expect(complaints).toEqual([]);
  });

  it('is drawn on by a finger, fits a phone, and says what is wrong', async (context) => {
    const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
    const { page, server, complaints } = await openPage(context, phone);
    await page.goto(server.url);
    await page.locator('#pad').scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await page.locator('#pad').boundingBox())!;
    for (let i = 0; i < 5; i++) await page.touchscreen.tap(x + (0.65 + i * 0.06) * width, y + 0.25 * height);
    await says(page, 'top right, ');
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.locator('#file').setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('x') });
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/expected a PNG/);
    // The browser itself tells of the failed request.
    expect(complaints).toEqual([expect.stringMatching(/400 \(Bad Request\)/)]);
  });

  it('asks for the key as browsers do', async (context) => {
    const { page, server } = await openPage(
      context,
      { httpCredentials: { username: '', password: 'secret' } },
      'secret',
    );
    await page.goto(server.url);
    await draw(page, ...topRight);
    await says(page, 'top right, ');
  });

  it('the description of the interface shows, without help from elsewhere', async (context) => {
    const { page, server, complaints } = await openPage(context);
    await page.goto(`${server.url}/docs`);
    await expect.poll(() => page.getByText('/v2/models/{name}/infer').count()).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });
});
