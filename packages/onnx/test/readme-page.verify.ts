// The page of the README: bundled by Vite as it stands, opened in Chromium, it says what Node says.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeImage } from '@bn/datasets';
import { openPredictor } from '@bn/onnx';
import { createBackend } from '@bn/reference';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';
import { expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../../../test/find-chromium.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

test('the page of the README names what is in the picture', async ({ skip }) => {
  const executablePath = findChromium();
  if (!executablePath) skip('install Chromium or Chrome, or set BN_CHROMIUM to its path');
  const folder = mkdtempSync(join(tmpdir(), 'bn-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const root = join(folder, 'page');
  mkdirSync(join(root, 'public'), { recursive: true });
  const [, html] = /^```html\n(.*?)^```$/ms.exec(readFileSync(path('../README.md'), 'utf8'))!;
  writeFileSync(join(root, 'index.html'), html!);
  const train = (...args: string[]) =>
    execFileSync(process.execPath, [path('../../../apps/train/dist/index.js'), ...args], {
      cwd: folder,
      stdio: 'pipe',
    });
  train('--limit', '2000', '--epochs', '1', '--learning-rate', '0.5', '--out', 'run');
  train('export', 'run', '--recalibrated', '--out', join('page', 'public', 'model.onnx'));
  copyFileSync(path('../../../examples/clothes/trouser.png'), join(root, 'public', 'photo.png'));

  const alias = [{ find: /^@bn\/([^/]+)$/, replacement: path('../../$1/src/index.ts') }];
  await build({ root, configFile: false, logLevel: 'warn', resolve: { alias }, build: { target: 'es2022' } });
  const server = await preview({ root, configFile: false, logLevel: 'warn', preview: { port: 0, host: '127.0.0.1' } });
  onTestFinished(() => server.close());
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(server.resolvedUrls!.local[0]!);
  const said = page.locator('#answer');
  await expect.poll(() => said.textContent(), { timeout: 60_000 }).not.toBe('');

  const backend = await createBackend();
  onTestFinished(() => backend.dispose());
  const model = await openPredictor(new Uint8Array(readFileSync(join(root, 'public', 'model.onnx'))), backend);
  const pixels = await decodeImage(join(root, 'public', 'photo.png'), { channels: 1, size: [28, 28] });
  const answer = await model.classify(pixels);
  expect(await said.textContent()).toBe('classes' in answer && answer.classes[0]!.class);
});
