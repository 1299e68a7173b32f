// In a real browser: the page goes on with Node's training, and Node reads the values that it gives back.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  batchNorm,
  classification,
  createTrainer,
  decodeCheckpoint,
  decodeSafetensors,
  defineModel,
  sgd,
} from '@bn/core';
import { fashionMnist } from '@bn/fashion-mnist';
import { lenet } from '@bn/models';
import { createBackend } from '@bn/onnxruntime-cuda';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium } from '../../../test/find-chromium.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const executablePath = findChromium();
const folder = mkdtempSync(join(tmpdir(), 'bn-browser-onnx-'));
const inFolder = (name: string) => join(folder, name);
const data = (name: string) => path(`../../../packages/fashion-mnist/data/${name}.gz`);
const files = [
  ...[inFolder('run/train.onnx'), inFolder('run/train.safetensors')],
  ...[data('train-images-idx3-ubyte'), data('train-labels-idx1-ubyte')],
];
const steps = 20;

/** The steps that the page makes, in Node. */
async function inNode(): Promise<{ losses: number[]; values: ReadonlyMap<string, ArrayLike<number>> }> {
  const backend = await createBackend({ device: 'cpu' });
  const network = lenet({ normalization: () => batchNorm() });
  const model = defineModel(network, { input: { shape: [null, 1, 28, 28], dtype: 'float32' } });
  const optimizer = sgd({ momentum: 0.5 });
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer });
  trainer.restore(decodeCheckpoint(new Uint8Array(readFileSync(inFolder('run/train.safetensors')))));
  const { train } = await fashionMnist();
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const examples = Array.from({ length: 256 }, (_, i) => train.get(step * 256 + i));
    const features = Uint8Array.from(examples.flatMap((example) => Array.from(example.features)));
    const labels = Int32Array.from(examples, ({ label }) => label as number);
    losses.push((await trainer.step({ features, labels }, { learningRate: 0.5 })).loss);
  }
  const values = new Map([...(await trainer.values())].map(([name, { data }]) => [name, data]));
  await trainer.dispose();
  await backend.dispose();
  return { losses, values };
}

describe('the page', () => {
  let server: PreviewServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    if (executablePath === undefined) return;
    const program = path('../../../apps/train/dist/index.js');
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [program, ...args], { cwd: folder, stdio: 'pipe' });
    run('--limit', '2000', '--epochs', '1', '--learning-rate', '0.5', '--momentum', '0.5', '--out', 'run');
    run('export', 'run', '--training-step');

    const outDir = inFolder('page');
    const root = path('..');
    await build({ root, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
    server = await preview({ root, logLevel: 'warn', build: { outDir }, preview: { port: 0, host: '127.0.0.1' } });
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(server.resolvedUrls!.local[0]!);
    // Else there is one thread, whatever is asked for.
    expect(await page.evaluate('crossOriginIsolated')).toBe(true);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const state = (name: string) => page.waitForSelector(`body[data-state=${name}]`);
  const noBrowser = 'no Chromium or Chrome found; install one, or name it in BN_CHROMIUM';

  test('says what is wrong with files that do not belong together', async ({ skip }) => {
    skip(executablePath === undefined, noBrowser);
    await page.setInputFiles('#files', files.slice(0, 2));
    await page.getByText('Needed are four files').waitFor();
    await page.setInputFiles('#files', [...files.slice(0, 2), files[3]!, files[2]!.replace('train-', 't10k-')]);
    await state('failed');
    expect(await page.textContent('#status')).toMatch(
      /: t10k-images.* has 10000 images, but train-labels.* has 60000 labels/,
    );
    expect(await page.isDisabled('#start')).toBe(true);
  });

  test('goes on with the losses and values that Node would have had', async ({ skip }) => {
    skip(executablePath === undefined, noBrowser);
    await page.setInputFiles('#files', files);
    await state('ready');
    expect(await page.inputValue('#learning-rate')).toBe('0.5');
    await page.fill('#steps', String(steps));
    await page.click('#start');
    await state('running');
    await state('ready');

    const cells = await page.locator('#results tr').allInnerTexts();
    const rows = cells.reverse().map((row) => row.split('\t').map(Number));
    const expected = await inNode();
    expect(rows.map(([step]) => step)).toEqual(Array.from({ length: steps }, (_, i) => 8 + i + 1));
    expect(rows.map(([, loss]) => loss)).toEqual(expected.losses.map((loss) => expect.closeTo(loss, 3)));
    expect(rows.at(-1)![1]).toBeLessThan(rows[0]![1]!);

    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
    const { tensors } = decodeSafetensors(new Uint8Array(readFileSync(await download.path())));
    expect([...tensors.keys()]).toEqual(expect.arrayContaining([...expected.values.keys()]));
    for (const [name, value] of expected.values) {
      const got = tensors.get(name)!.data;
      const largest = Math.max(...got.map((v, i) => Math.abs(v - value[i]!) / Math.max(1, Math.abs(value[i]!))));
      expect(largest, name).toBeLessThan(1e-3);
    }
  });
});
