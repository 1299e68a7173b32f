// The pages that the program writes, in a browser: what axe finds for those who see little or listen, and whether they fit.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../../test/find-chromium.js';
import { smallFlags, writeRun } from './small-run.js';

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const executablePath = findChromium();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'bn-pages-'));
const run = (...words: string[]) => promisify(execFile)(process.execPath, [program, ...words], { cwd: folder });
let browser: Browser | undefined;
beforeAll(async () => {
  // In containers there is no sandbox to be had.
  if (executablePath) browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  writeRun(folder);
  await run(...smallFlags, '--augment', 'light', '--out', 'a');
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** By name, the commands that write a page, beside a run `a`; that has one, too. */
const pages: Readonly<Record<string, string>> = {
  report: '',
  comparison: 'compare a a',
  data: 'look --data data',
  profile: 'profile --backend wasm --data data --model net.ts --steps 1',
  parity: 'parity --backends wasm --data data --model net.ts --steps 1',
};

describe.each(Object.entries(pages))('%s', (name, command) => {
  const address = pathToFileURL(join(folder, command === '' ? 'a/report.html' : `${name}.html`)).href;
  beforeAll(async () => {
    if (command !== '') await run(...command.split(' '), '--html', `${name}.html`);
  });

  it.for(['light', 'dark'] as const)(
    'has enough contrast, and names for everything: %s',
    async (colorScheme, context) => {
      if (!browser) context.skip('there is no Chromium; BN_CHROMIUM names one');
      const page = await browser!.newPage({ colorScheme, bypassCSP: true });
      await page.goto(address);
      for (const details of await page.locator('details').all())
        await details.evaluate((node) => node.setAttribute('open', ''));
      await page.evaluate(axe);
      const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
      await page.close();
      expect(violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html }) => html) }))).toEqual([]);
    },
  );

  it('fits 360 pixels, and complains of nothing', async (context) => {
    if (!browser) context.skip('there is no Chromium; BN_CHROMIUM names one');
    const page = await browser!.newPage({ viewport: { width: 360, height: 740 } });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto(address);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
