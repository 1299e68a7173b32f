// A stranger's backend, in a folder outside the workspace: written from the guide alone, on packed packages.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packPackages, withDependencies } from './pack-packages.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));
const beside = mkdtempSync(join(tmpdir(), 'bn-stranger-'));
const folder = join(beside, 'my-backend');
const app = join(root, 'apps', 'train', 'dist', 'index.js');
const network = ['--model', './my-backend/net.ts'];

const vitestVersion = /^ {2}vitest: (.+)$/m.exec(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8'))![1];

/** The files that the guide consists of: its package.json, and programs whose first line names them. */
function writeFilesOfGuide(): string[] {
  const guide = readFileSync(join(root, 'docs', 'write-a-backend.md'), 'utf8');
  mkdirSync(folder);
  return [...guide.matchAll(/^```(json|ts)\n(.*?)^```$/gms)].map(([, language, text]) => {
    const name = language === 'json' ? 'package.json' : /^\/\/ ([\w.-]+\.ts)\b/.exec(text!)![1]!;
    writeFileSync(join(folder, name), text!);
    return name;
  });
}

beforeAll(async () => {
  expect(writeFilesOfGuide()).toEqual(['package.json', 'backend.ts', 'backend.test.ts', 'net.ts']);
  const packed = withDependencies(await packPackages(beside), ['@bn/core', '@bn/conformance']);
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...quiet, ...packed.map(({ tarball }) => tarball), `vitest@${vitestVersion}`], {
    cwd: folder,
    shell: true,
  });
});
afterAll(() => rmSync(beside, { recursive: true, force: true }));

test('is short', () => {
  expect(readFileSync(join(folder, 'backend.ts'), 'utf8').split('\n').length).toBeLessThan(250);
});

test('passes the conformance suite', async () => {
  const { stdout } = await run('npm', ['test'], { cwd: folder, shell: true, maxBuffer: 1e8 });
  const text = stripVTControlCharacters(stdout);
  expect(text).toMatch(/Tests +\d{3} passed/);
  expect(text).not.toContain('failed');
});

test('trains, and agrees with the reference', async () => {
  const flags = ['--backend', './my-backend', ...network, '--limit', '2000', '--epochs', '1', '--out', 'run'];
  await run(process.execPath, [app, ...flags], { cwd: beside });
  const { loss, test } = JSON.parse(readFileSync(join(beside, 'run', 'metrics.jsonl'), 'utf8'));
  expect(loss).toBeLessThan(2);
  expect(test.metrics.accuracy).toBeGreaterThan(0.4);
  const parity = ['parity', '--backends', './my-backend', ...network, '--steps', '2', '--batch-size', '64'];
  const { stdout } = await run(process.execPath, [app, ...parity], { cwd: beside });
  expect(stdout).toContain('./my-backend on cpu (1 thread): agrees with the reference');
});

test('says which layer it cannot compute', async () => {
  const flags = ['--backend', './my-backend', '--limit', '256', '--epochs', '1', '--out', 'images'];
  await expect(run(process.execPath, [app, ...flags], { cwd: beside })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error: conv1: my-backend has no conv2d; use another backend/),
  });
});

test('does not compile without a row for every operation', async () => {
  const source = readFileSync(join(folder, 'backend.ts'), 'utf8');
  writeFileSync(join(folder, 'incomplete.ts'), source.replace(/^ {2}tanh: .*\n/m, ''));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = '--ignoreConfig --noEmit --strict --module nodenext --target es2022 --skipLibCheck'.split(' ');
  await run(process.execPath, [compiler, ...options, 'backend.ts'], { cwd: folder });
  await expect(run(process.execPath, [compiler, ...options, 'incomplete.ts'], { cwd: folder })).rejects.toMatchObject({
    stdout: expect.stringMatching(/'tanh' is missing/),
  });
});
