// The dashboard of a training in a browser: it follows, compares, and its coming and going changes nothing in the result.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import { chromium } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { findChromium } from '../../../test/find-chromium.js';
import { resultOf, smallFlags, smallFolder } from './small-run.js';

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const executablePath = findChromium();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

it('shows a run and those beside it while it trains; without it the result is the same to the bit', async (context) => {
  if (!executablePath) context.skip('there is no Chromium; BN_CHROMIUM names one');
  const folder = smallFolder();
  const start = (...flags: string[]) => {
    const child = spawn(process.execPath, [program, ...smallFlags, ...flags], { cwd: folder });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        output += data;
      });
    }
    return { child, ended: once(child, 'exit'), output: () => output };
  };
  const epochs = ['--epochs', '400'];
  const alone = start(...epochs, '--out', 'runs/alone');
  expect(await alone.ended, alone.output()).toEqual([0, null]);

  const browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  onTestFinished(() => browser.close());
  const shown = start(...epochs, '--out', 'runs/shown', '--dashboard');
  const address = /the dashboard is at (\S+)/;
  await expect.poll(shown.output, { timeout: 30_000 }).toMatch(address);
  const [, url] = address.exec(shown.output())!;
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', ({ message }) => complaints.push(message));
  await page.goto(url!);
  await expect.poll(() => page.locator('#progress').textContent()).toMatch(/^epoch \d+ of 400, step /);
  await expect.poll(() => page.locator('#charts figure').count(), { timeout: 20_000 }).toBeGreaterThan(2);
  await page.getByRole('checkbox', { name: 'alone' }).check();
  await page.waitForURL(/run=alone/);
  await expect.poll(() => page.locator('#charts h2').first().textContent(), { timeout: 20_000 }).toBe('Curves');
  expect(await page.locator('#charts .runs li').allTextContents()).toEqual(['shown', 'alone']);
  expect(complaints).toEqual([]);
  await page.close();

  const last = await browser.newPage({ bypassCSP: true });
  await last.goto(url!);
  await expect.poll(() => last.locator('#charts figure').count(), { timeout: 20_000 }).toBeGreaterThan(2);
  await last.evaluate(axe);
  const { violations } = (await last.evaluate('axe.run()')) as AxeResults;
  expect(violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) }))).toEqual([]);
  expect(await shown.ended, shown.output()).toEqual([0, null]);
  await expect.poll(() => last.locator('#progress').textContent()).toBe('The training has ended.');
  expect(resultOf(join(folder, 'runs/shown'))).toEqual(resultOf(join(folder, 'runs/alone')));
});

it('a port that is in use ends the program before anything is trained or recorded', async () => {
  const { createServer } = await import('node:net');
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  const folder = smallFolder();
  const child = spawn(process.execPath, [program, ...smallFlags, '--dashboard', String(port)], { cwd: folder });
  let text = '';
  child.stderr.on('data', (data) => {
    text += data;
  });
  expect(await once(child, 'exit')).toEqual([2, null]);
  expect(text).toBe(`error: --dashboard ${port}: the port is in use; give another, or leave it out\n`);
});
