// The exported page in browsers, from a plain file server, in a subfolder, without headers: what it says of pictures is what
// `infer` says.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, onTestFinished, type TestContext, test } from 'vitest';
import { browsers } from '../../../test/find-browser.js';
import { findChromium } from '../../../test/find-chromium.js';

/** Machines may be busy. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'bn-web-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const program = (app: string) => fileURLToPath(new URL(`../../${app}/dist/index.js`, import.meta.url));
const run = (app: 'train' | 'infer', ...args: readonly string[]) =>
  execFileSync(process.execPath, [program(app), ...args], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

/** Discs of three colours on grounds that vary. */
const colours = { leaf: '#2f9e44', ruby: '#c0182b', sun: '#f2b705' };
function disc(colour: string, i: number): Sharp {
  const ground = 60 + ((i * 37) % 120);
  const [x, y, radius] = [40 + ((i * 53) % 80), 40 + ((i * 29) % 40), 18 + ((i * 7) % 14)];
  return sharp(
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="160" height="120">
      <rect width="160" height="120" fill="rgb(${ground},${ground},${ground + 10})"/>
      <circle cx="${x}" cy="${y}" r="${radius}" fill="${colour}"/></svg>`),
  );
}

/** Files that decoders could take differently. */
const shown = ['plain.png', 'turned.jpg', 'see-through.png', 'large.jpg', 'small.webp', 'grey.png'];

beforeAll(async () => {
  for (const [name, colour] of Object.entries(colours)) {
    mkdirSync(join(folder, 'photos', name), { recursive: true });
    for (let i = 0; i < 40; i++)
      await disc(colour, i)
        .jpeg()
        .toFile(join(folder, 'photos', name, `${i}.jpg`));
  }
  run(
    'train',
    ...'--data photos --epochs 4 --batch-size 16 --optimizer adam --learning-rate 0.002 --out run'.split(' '),
  );
  run('train', 'export', 'run', '--recalibrated', '--web', 'site', '--license', 'CC0-1.0');
  run('train', 'export', 'run', '--recalibrated', '--out', 'model.onnx');
  const rows = Object.keys(colours).flatMap((name) =>
    Array.from(
      { length: 40 },
      (_, i) => `photos/${name}/${i}.jpg,${Number(name !== 'ruby')},${Number(name !== 'leaf')}`,
    ),
  );
  writeFileSync(join(folder, 'photos.csv'), ['image,green,red', ...rows].join('\n'));
  for (const task of ['multilabel', 'regress']) {
    const grey = task === 'regress' ? ['--channels', '1'] : [];
    const quick = ['--image-size', '24', '--epochs', '3', '--batch-size', '16', ...grey];
    const learning = ['--model', 'lenet-bn', '--optimizer', 'adam', '--learning-rate', '0.002'];
    run('train', '--data', 'photos.csv', '--task', task, ...quick, ...learning, '--out', `run-${task}`);
    run('train', 'export', `run-${task}`, '--recalibrated', '--web', task);
    run('train', 'export', `run-${task}`, '--recalibrated', '--out', `${task}.onnx`);
  }
  const file = (name: string) => join(folder, name);
  await disc(colours.leaf, 3).png().toFile(file('plain.png'));
  await disc(colours.ruby, 5).jpeg().withMetadata({ orientation: 6 }).toFile(file('turned.jpg'));
  const holes = Buffer.from('<svg><rect width="60" height="120" fill-opacity="0.6"/></svg>');
  await disc(colours.sun, 7)
    .composite([{ input: holes, blend: 'dest-out', gravity: 'west' }])
    .png()
    .toFile(file('see-through.png'));
  await disc(colours.leaf, 11).resize(3000, 2000, { fit: 'fill' }).jpeg().toFile(file('large.jpg'));
  await disc(colours.ruby, 13).resize(30, 20, { fit: 'fill' }).webp({ lossless: true }).toFile(file('small.webp'));
  await disc('#ddd', 17).greyscale().png().toFile(file('grey.png'));
});

type Told = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Probabilities in per cent by file and class. */
function expected(): Told {
  const lines = run('infer', 'model.onnx', ...shown, '--json', '--top', '3')
    .trim()
    .split('\n');
  const answers = lines.map(
    (line) => JSON.parse(line) as { image: string; top: { class: string; probability: number }[] },
  );
  return Object.fromEntries(
    answers.map(({ image, top }) => [image, Object.fromEntries(top.map((one) => [one.class, 100 * one.probability]))]),
  );
}

/** What a page shows, in the same form: a function of pages, as text. */
const readAnswers = `() => Object.fromEntries(
  [...document.querySelectorAll('#answers > li')].map((item) => [
    item.querySelector('.muted').textContent,
    Object.fromEntries(
      [...item.querySelectorAll('.bars li')].map((row) => [
        row.querySelector('.name').textContent,
        Number.parseFloat(row.querySelector('.share').textContent),
      ]),
    ),
  ]),
)`;

/** As `infer` says, within 3 of 100. */
function expectAlike(told: Told): void {
  const close = (classes: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(classes).map(([name, share]) => [name, expect.closeTo(share, -0.78)] as const));
  const wanted = Object.fromEntries(Object.entries(expected()).map(([image, classes]) => [image, close(classes)]));
  expect(told).toEqual(wanted);
}

const types: Readonly<Record<string, string>> = {
  ...{ html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', png: 'image/png' },
  ...{ wasm: 'application/wasm', webmanifest: 'application/manifest+json', jpg: 'image/jpeg', webp: 'image/webp' },
};
const base = '/some/where/site/';

interface Site {
  readonly address: string;
  readonly close: () => void;
  /** What a page posts. */
  readonly posted: Promise<string>;
}

/** Serves the folder; further files by name, in place of those there. */
async function serve(more: Readonly<Record<string, string | Buffer>> = {}, root = 'site'): Promise<Site> {
  let settle: (text: string) => void;
  const posted = new Promise<string>((resolve) => {
    settle = resolve;
  });
  const server = createServer(async (request: IncomingMessage, response) => {
    if (request.method === 'POST') {
      settle(await text(request));
      response.end();
      return;
    }
    const path = new URL(request.url!, 'http://x').pathname;
    const name = path === base ? 'index.html' : path.startsWith(base) ? path.slice(base.length) : '';
    const file = join(folder, root, name);
    if (name === '' || !(name in more || existsSync(file))) response.writeHead(404).end();
    else
      response.writeHead(200, { 'content-type': types[name.split('.').at(-1)!] }).end(more[name] ?? readFileSync(file));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(close);
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`, close, posted };
}

describe('in Chromium', () => {
  let browser: Browser | undefined;
  beforeAll(async () => {
    const executablePath = findChromium();
    const fakes = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
    if (executablePath) browser = await chromium.launch({ executablePath, args: ['--no-sandbox', ...fakes] });
  });
  afterAll(() => browser?.close());

  async function open({ skip }: TestContext, options: BrowserContextOptions = {}, root = 'site') {
    if (!browser) skip('install Chromium or Chrome, or set BN_CHROMIUM to its path');
    const site = await serve({}, root);
    const context = await browser!.newContext(options);
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(site.address))
        complaints.push(request.url());
    });
    await page.goto(site.address);
    await page.waitForSelector('body[data-state=ready]');
    return { page, site, complaints };
  }

  const files = () => shown.map((name) => join(folder, name));
  const answers = (page: Page) => page.locator('#answers > li');
  const told = (page: Page) => page.evaluate(`(${readAnswers})()`) as Promise<Told>;

  test('several chosen pictures are answered as `infer` does, whatever their format, turn and size', async (context) => {
    const { page, complaints } = await open(context);
    expect(await page.locator('#about').textContent()).toBe('This model knows 3 classes: leaf, ruby, sun.');
    await page.locator('#files').setInputFiles(files());
    await eventually(() => answers(page).count()).toBe(shown.length);
    expectAlike(await told(page));
    expect(complaints).toEqual([]);
  });

  const infer = (model: string, ...flags: string[]) => JSON.parse(run('infer', model, 'plain.png', '--json', ...flags));

  test('labels are answered by their scores', async (context) => {
    const { page } = await open(context, {}, 'multilabel');
    expect(await page.locator('#about').textContent()).toBe('This model knows 2 labels: green, red.');
    await page.locator('#files').setInputFiles(files().slice(0, 1));
    await eventually(() => answers(page).count()).toBe(1);
    const { labels, scores } = infer('multilabel.onnx');
    const words = labels.length > 0 ? labels.join(', ') : 'none of the labels';
    expect(await page.locator('.best', { hasNotText: /^$/ }).textContent()).toBe(words);
    const close = scores.map((one: { label: string; score: number }) => [
      one.label,
      expect.closeTo(100 * one.score, -0.78),
    ]);
    expect(await told(page)).toEqual({ 'plain.png': Object.fromEntries(close) });
  });

  test('values are answered as numbers; of a grey model, light and dark change places if one wants', async (context) => {
    const { page } = await open(context, {}, 'regress');
    const given = async () => {
      const before = await answers(page).count();
      await page.locator('#files').setInputFiles(files().slice(0, 1));
      await eventually(() => answers(page).count()).toBe(before + 1);
      const words = (await answers(page).first().locator('.best').textContent())!;
      return words
        .split(', ')
        .map((one) => one.split(' '))
        .map(([name, value]) => ({ name, value: Number(value) }));
    };
    const close = ({ values }: { values: { name: string; value: number }[] }) =>
      values.map(({ name, value }) => ({ name, value: expect.closeTo(value, 1) }));
    expect(await given()).toEqual(close(infer('regress.onnx')));
    await page.getByLabel('Dark things on a light ground').check();
    expect(await given()).toEqual(close(infer('regress.onnx', '--invert')));
  });

  test('pictures are dropped and pasted; what is none is told', async (context) => {
    const { page } = await open(context);
    const give = (type: 'drop' | 'paste', name: string) => {
      const bytes = readFileSync(join(folder, name)).toString('base64');
      return page.evaluate(
        `(async () => {
          const bytes = Uint8Array.from(atob('${bytes}'), (c) => c.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], '${name}', { type: 'image/png' }));
          const Kind = '${type}' === 'drop' ? DragEvent : ClipboardEvent;
          document.body.dispatchEvent(new Kind('${type}', { bubbles: true, cancelable: true, dataTransfer: transfer, clipboardData: transfer }));
        })()`,
      );
    };
    await give('drop', 'plain.png');
    await give('paste', 'grey.png');
    writeFileSync(join(folder, 'notes.png'), 'not a picture');
    await give('drop', 'notes.png');
    await eventually(() => answers(page).count()).toBe(3);
    expect(await answers(page).first().textContent()).toContain('this browser cannot read it as a picture');
    expect(Object.keys(await told(page))).toEqual(['notes.png', 'grey.png', 'plain.png']);
  });

  test('with keys alone: the camera opens, its pictures are answered and said to screen readers, it closes', async (context) => {
    const { page, complaints } = await open(context);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.id')).toBe('choose');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await eventually(() => page.locator('#live').textContent()).toMatch(/^(leaf|ruby|sun), \d/);
    await page.keyboard.press('Shift+Tab');
    expect(await page.evaluate('document.activeElement.id')).toBe('take');
    await page.keyboard.press('Enter');
    await eventually(() => page.getByRole('status').textContent()).toMatch(/^Camera, .*: (leaf|ruby|sun), \d/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await eventually(() => page.evaluate('document.activeElement.id')).toBe('open-camera');
    expect(await page.locator('#camera').isVisible()).toBe(false);
    expect(complaints).toEqual([]);
  });

  test.for([
    ['light', { width: 360, height: 740 }],
    ['dark', { width: 1100, height: 800 }],
  ] as const)(
    'axe finds nothing, and nothing is wider than the window: %s',
    async ([colorScheme, viewport], context) => {
      const { page } = await open(context, { colorScheme, viewport, bypassCSP: true });
      await page.locator('#files').setInputFiles(files().slice(0, 2));
      await eventually(() => answers(page).count()).toBe(2);
      await page.locator('#open-camera').click();
      await eventually(() => page.locator('#live').textContent()).not.toBe('');
      await page.evaluate(axe.source);
      const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
      expect(violations.map(({ id, nodes }) => [id, nodes[0]!.html])).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width);
    },
  );

  test('opens and answers when the server is gone', async (context) => {
    const { page, site } = await open(context);
    await page.evaluate('navigator.serviceWorker.ready.then(() => true)');
    await eventually(() => page.evaluate('caches.keys().then((keys) => keys.length)')).toBe(1);
    site.close();
    await page.reload();
    await page.waitForSelector('body[data-state=ready]');
    await page.locator('#files').setInputFiles(files().slice(0, 1));
    await eventually(() => answers(page).count()).toBe(1);
  });
});

/** Started with an address; a script that is added to the page drops the pictures and posts what came of it. */
const asked = `
const drop = async () => {
  const transfer = new DataTransfer();
  for (const name of ${JSON.stringify(shown)}) {
    const blob = await (await fetch(name)).blob();
    transfer.items.add(new File([blob], name, { type: blob.type }));
  }
  document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
};
const wait = async (done) => {
  for (let i = 0; i < 600 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 100));
};
await wait(() => document.body.dataset.state === 'ready');
await drop();
await wait(() => document.querySelectorAll('#answers > li').length === ${shown.length});
const outcome = { told: (${readAnswers})(), problem: document.querySelector('#problem').textContent };
await fetch('outcome', { method: 'POST', body: JSON.stringify(outcome) });
`;

test.for([
  { ...browsers.firefox, name: 'Firefox' },
  { ...browsers.webkitgtk, name: 'WebKitGTK' },
])('in $name, pictures are answered as `infer` does', async ({ available, detail, command }, { skip }) => {
  skip(!available, detail);
  const page = readFileSync(join(folder, 'site', 'index.html'), 'utf8');
  const pictures = Object.fromEntries(shown.map((name) => [name, readFileSync(join(folder, name))]));
  const site = await serve({
    ...pictures,
    'asked.js': asked,
    'index.html': page.replace('</head>', '<script type="module" src="asked.js"></script></head>'),
  });
  const profile = mkdtempSync(join(folder, 'profile-'));
  const [file, ...args] = command(site.address, profile);
  const browser = spawn(file!, args, { stdio: 'ignore', detached: process.platform !== 'win32' });
  onTestFinished(() => {
    if (process.platform === 'win32') browser.kill();
    else process.kill(-browser.pid!);
  });
  const { told, problem } = JSON.parse(await site.posted) as { told: Told; problem: string };
  expect(problem).toBe('');
  expectAlike(told);
});
