// A project begun as `npm create @bn` begins it, in an empty folder, with the packed packages: it type-checks, builds, and in
// Chromium learns two scenes from a camera that shows one after the other.

import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findChromium } from '../../../test/find-chromium.js';
import { packPackages, withDependencies } from '../../../test/pack-packages.js';

const folder = mkdtempSync(join(tmpdir(), 'bn-create-'));
const project = join(folder, 'my-classifier');
const run = (command: string, cwd: string) => promisify(execFile)(command, [], { cwd, shell: true, maxBuffer: 1e8 });
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

beforeAll(async () => {
  const packed = await packPackages(folder);
  // What `npm create @bn my-classifier` runs, once the package is published.
  await run(`npm exec --yes --package="${packed.get('@bn/create')!.tarball}" -- bn-create my-classifier`, folder);
  const { dependencies } = read(join(project, 'package.json')) as { dependencies: Record<string, string> };
  const tarballs = withDependencies(packed, Object.keys(dependencies)).map(({ tarball }) => `"${tarball}"`);
  await run(`npm install --ignore-scripts --no-audit --no-fund --prefer-offline ${tarballs.join(' ')}`, project);
  await run('npm run build', project);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the folder has a name of its own, all files, and the versions of these packages', async () => {
  expect(readdirSync(project)).toEqual(expect.arrayContaining(['.gitignore', 'index.html', 'src', 'vite.config.ts']));
  expect(readdirSync(project)).not.toContain('_gitignore');
  expect(read(join(project, 'package.json')).name).toBe('my-classifier');
  const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
  const begin = (name: string) => execFileSync(process.execPath, [program, name], { cwd: folder, stdio: 'pipe' });
  begin('Other One!');
  const { version } = read(fileURLToPath(new URL('../package.json', import.meta.url)));
  const made = read(join(folder, 'Other One!', 'package.json'));
  expect(made).toMatchObject({
    name: 'other-one',
    dependencies: { '@bn/core': `^${version}`, '@bn/wasm': `^${version}` },
  });
  const catalog = readFileSync(fileURLToPath(new URL('../../../pnpm-workspace.yaml', import.meta.url)), 'utf8');
  for (const [name, version] of Object.entries(made.devDependencies))
    expect(catalog).toContain(`  ${name}: ${version}\n`);
  expect(() => begin('my-classifier')).toThrow('error: my-classifier has files in it; give a new folder');
});

const [width, height, framesOfScene] = [160, 120, 40];
/** As YUV. */
const scenes = { red: [80, 90, 220], blue: [60, 210, 100] } as const;
type Scene = keyof typeof scenes;

/** A film of one scene after the other, eight seconds each, with a bar that moves. */
function film(): Buffer {
  const parts: Buffer[] = [Buffer.from(`YUV4MPEG2 W${width} H${height} F5:1 Ip A1:1 C420jpeg\n`)];
  for (const [y, u, v] of Object.values(scenes)) {
    for (let frame = 0; frame < framesOfScene; frame++) {
      const light = Buffer.alloc(width * height, y);
      for (let row = 0; row < height; row++) light.fill(180, row * width + frame, row * width + frame + 10);
      const quarter = (width * height) / 4;
      parts.push(Buffer.from('FRAME\n'), light, Buffer.alloc(quarter, u), Buffer.alloc(quarter, v));
    }
  }
  return Buffer.concat(parts);
}

const seen = (page: Page) =>
  page.evaluate(`(() => {
    const context = new OffscreenCanvas(1, 1).getContext('2d');
    context.drawImage(document.querySelector('video'), 0, 0, 1, 1);
    const [red, , blue] = context.getImageData(0, 0, 1, 1).data;
    return red > blue ? 'red' : 'blue';
  })()`) as Promise<Scene>;

const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 120_000, interval: 50 });

test('the page learns, predicts, and gives its network and examples as files', async ({ skip, onTestFinished }) => {
  const executablePath = findChromium();
  if (!executablePath) skip('install Chromium or Chrome, or set BN_CHROMIUM to its path');
  writeFileSync(join(folder, 'film.y4m'), film());
  const camera = ['use-fake-device-for-media-stream', 'use-fake-ui-for-media-stream'].map((flag) => `--${flag}`);
  const args = ['--no-sandbox', ...camera, `--use-file-for-fake-video-capture=${join(folder, 'film.y4m')}`];
  const browser: Browser = await chromium.launch({ executablePath, args });
  onTestFinished(() => browser.close());
  const server: PreviewServer = await preview({
    root: project,
    logLevel: 'warn',
    preview: { port: 0, host: '127.0.0.1' },
  });
  onTestFinished(() => server.close());
  const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));

  const open = async () => {
    await page.goto(server.resolvedUrls!.local[0]!);
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await eventually(() =>
      page.locator('video').evaluate((video) => (video as { videoWidth?: number }).videoWidth),
    ).toBe(width);
  };
  const download = async (name: string) => {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name, exact: true }).click(),
    ]);
    const path = join(folder, `${Date.now()}-${file.suggestedFilename()}`);
    await file.saveAs(path);
    return path;
  };
  const train = async () => {
    await page.getByRole('button', { name: 'Train' }).click();
    await eventually(() => page.getByRole('status').textContent()).toBe('Trained. Show something to the camera.');
  };
  const cards = page.locator('.class');
  const count = async (i: number) => Number.parseInt((await cards.nth(i).locator('span').textContent())!, 10);
  /** Waits for the scene to begin, and holds the button while it lasts. */
  const record = async (i: number, scene: Scene, hold: () => Promise<void>, release: () => Promise<void>) => {
    await eventually(() => seen(page)).not.toBe(scene);
    await eventually(() => seen(page)).toBe(scene);
    await hold();
    await eventually(() => count(i)).toBeGreaterThan(9);
    await release();
    expect(await seen(page)).toBe(scene);
    const after = await count(i);
    await page.waitForTimeout(300);
    expect(await count(i)).toBe(after);
  };

  await open();
  const button = (i: number) => cards.nth(i).getByRole('button', { name: 'Hold to record' });
  await button(0).hover();
  await record(
    0,
    'red',
    () => page.mouse.down(),
    () => page.mouse.up(),
  );
  expect(await page.getByRole('button', { name: 'Train' }).isDisabled()).toBe(true);
  await button(1).focus();
  await record(
    1,
    'blue',
    () => page.keyboard.down('Space'),
    () => page.keyboard.up('Space'),
  );
  await cards.nth(0).getByLabel('Name of the class').fill('sunset');
  await train();
  for (const [scene, name] of [
    ['red', 'sunset'],
    ['blue', 'Class 2'],
    ['red', 'sunset'],
  ] as const) {
    await eventually(() => seen(page)).toBe(scene);
    await eventually(() => page.locator('#best').textContent()).toContain(name);
    expect(await seen(page)).toBe(scene);
  }
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
  expect(violations.map(({ id, nodes }) => [id, nodes[0]!.html])).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);

  const model = await download('Download ONNX');
  await sharp({ create: { width, height, channels: 3, background: '#d01830' } })
    .png()
    .toFile(join(folder, 'red.png'));
  const infer = fileURLToPath(new URL('../../../apps/infer/dist/index.js', import.meta.url));
  const said = execFileSync(process.execPath, [infer, model, 'red.png', '--json'], { cwd: folder, encoding: 'utf8' });
  expect(JSON.parse(said).class).toBe('sunset');

  const saved = await download('Save');
  await open();
  await page.locator('#file').setInputFiles(saved);
  await eventually(() => cards.nth(0).getByLabel('Name of the class').inputValue()).toBe('sunset');
  await train();
  const again = await download('Download ONNX');
  expect(readFileSync(again).equals(readFileSync(model)), 'the same examples train to the same network').toBe(true);
  await page.locator('#file').setInputFiles(join(project, 'package.json'));
  await eventually(() => page.getByRole('alert').textContent()).toBe(
    'That file has no project with images of 64 by 64 pixels.',
  );
  expect(complaints).toEqual([]);
});
