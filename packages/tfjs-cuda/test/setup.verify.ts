// The setup for the CPU, for real: fetches libtensorflow (274 MB), compiles the binding, computes with it, and deletes it.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { isManylinux } from '@bn/native';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const packageFolder = join(import.meta.dirname, '..');

async function obstacle(): Promise<string | undefined> {
  if (!isManylinux()) return 'the setup is for Linux x64 with glibc';
  const compiler = await run('c++', ['--version']).catch(() => undefined);
  return compiler ? undefined : 'there is no C++ compiler (c++)';
}

test('setup, compute, setup again, remove', { timeout: 180_000 }, async (context) => {
  const reason = await obstacle();
  context.skip(reason !== undefined, reason);
  const root = mkdtempSync(join(tmpdir(), 'bn-setup-'));
  context.onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const env = { ...process.env, BN_NATIVE_DIR: root };
  const node = (...args: string[]) => run(process.execPath, args, { env, cwd: packageFolder });
  const setup = (...flags: string[]) => node('bin/bn-tfjs-setup.js', ...flags);

  await setup().catch((error: Error & { stderr: string }) => {
    const offline = /does not answer|cannot be downloaded|pip cannot download/.test(error.stderr);
    context.skip(offline, `the package index is not reached: ${error.stderr.trim()}`);
    throw error;
  });
  const entry = pathToFileURL(join(packageFolder, 'dist', 'index.js')).href;
  const program = `const { diagnose } = await import('${entry}'); console.log(JSON.stringify(await diagnose()));`;
  const { stdout } = await node('--input-type=module', '-e', program);
  expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toContainEqual(
    expect.objectContaining({ engine: 'native', device: 'cpu', version: '2.21.0', available: true }),
  );
  expect((await setup()).stdout).toContain('nothing to do');
  await setup('--remove');
  expect(existsSync(join(root, 'tensorflow-2.21.0'))).toBe(false);
});
