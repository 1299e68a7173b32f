// A module that stands alone, with its loader, where it is meant for: other runtimes, an edge worker's, and a page under a
// strict policy; all to the last bit.

import { execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { batchNorm } from '@bn/core';
import { compileAhead } from '@bn/wasm';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../../../test/find-chromium.js';
import { loadModel } from '../src/loader.js';
import { classifier, pixels } from './made-up-classifier.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'bn-ahead-'));
const inFolder = (name: string) => join(folder, name);
const features = pixels(3);
let expected: number[];

beforeAll(async () => {
  const { graph, signature } = classifier(() => batchNorm());
  const module = compileAhead(graph, signature);
  expected = Array.from((await loadModel(module)).predict(features));
  copyFileSync(fileURLToPath(new URL('../dist/loader.js', import.meta.url)), inFolder('model.js'));
  writeFileSync(inFolder('model.wasm'), module);
  writeFileSync(inFolder('package.json'), '{ "type": "module" }');
  writeFileSync(
    inFolder('program.js'),
    `import { readFileSync } from 'node:fs';
    import { loadModel } from './model.js';
    const model = await loadModel(readFileSync('model.wasm'));
    console.log(JSON.stringify(Array.from(model.predict(Uint8Array.of(${features})))));`,
  );
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  const packages = ['deno@2.9.6', 'bun@1.4.5', 'workerd@1.20261117.1'];
  await run('npm', ['install', ...quiet, ...packages], { cwd: folder, shell: true });
  // Puts Bun's program, which npm has fetched, into its place.
  await run(process.execPath, ['install.js'], { cwd: inFolder('node_modules/bun') });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['Node without code from strings', `"${process.execPath}" --disallow-code-generation-from-strings program.js`],
  ['Deno', 'npx --no-install deno run --allow-read program.js'],
  ['Bun', 'npx --no-install bun program.js'],
])('%s', async (_, command) => {
  const { stdout } = await run(command, [], { cwd: folder, shell: true });
  expect(JSON.parse(stdout)).toEqual(expected);
});

/** A worker as Cloudflare's hosts run it. It also says how compiling fails there. */
const worker = `
import { createModel } from './model.js';
import module from './model.wasm';
const model = createModel(module);
export default {
  async fetch(request) {
    const answer = Array.from(model.predict(new Uint8Array(await request.arrayBuffer())));
    try {
      new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    } catch (error) {
      return Response.json({ answer, refusal: String(error) });
    }
  },
};`;

const configuration = (port: number) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [
      (name = "worker.js", esModule = embed "worker.js"),
      (name = "model.js", esModule = embed "model.js"),
      (name = "model.wasm", wasm = embed "model.wasm"),
    ],
    compatibilityDate = "2026-01-01",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);`;

test("an edge worker, in Cloudflare's runtime, which forbids compiling", async () => {
  const port = await freePort();
  writeFileSync(inFolder('worker.js'), worker);
  writeFileSync(inFolder('config.capnp'), configuration(port));
  const program = (await run(process.execPath, ['-p', "require('workerd').default"], { cwd: folder })).stdout.trim();
  const server = spawn(program, ['serve', 'config.capnp'], { cwd: folder, stdio: 'ignore' });
  onTestFinished(() => void server.kill());
  const ask = () => fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: features });
  await expect.poll(() => ask().then(({ status }) => status, String), { timeout: 30_000 }).toBe(200);
  expect(await (await ask()).json()).toEqual({ answer: expected, refusal: expect.stringContaining('disallowed') });
});

test('a page of Chromium whose policy allows files of its own, and WebAssembly', async ({ skip }) => {
  const executablePath = findChromium();
  if (!executablePath) skip('install Chromium or Chrome, or set BN_CHROMIUM to its path');
  mkdirSync(inFolder('site'));
  for (const name of ['model.js', 'model.wasm']) copyFileSync(inFolder(name), inFolder(join('site', name)));
  writeFileSync(inFolder('site/index.html'), '<!doctype html><script type="module" src="main.js"></script>');
  writeFileSync(
    inFolder('site/main.js'),
    `import { loadModel } from './model.js';
    const model = await loadModel(fetch('model.wasm'));
    globalThis.answer = Array.from(model.predict(Uint8Array.of(${features})));`,
  );
  const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";
  const address = await serve(inFolder('site'), { 'content-security-policy': policy });
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(address);
  await expect.poll(() => page.evaluate('globalThis.answer')).toEqual(expected);
});

const types: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript', wasm: 'application/wasm' };

/** Address of a server for the files of a folder; it ends with the test. */
async function serve(root: string, headers: Record<string, string>): Promise<string> {
  const server = createServer(({ url = '/' }, response) => {
    const name = url === '/' ? 'index.html' : url.slice(1);
    try {
      const content = readFileSync(join(root, name));
      response.writeHead(200, { ...headers, 'content-type': types[name.split('.').at(-1)!] }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${await listen(server)}/`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
