// The setup for CUDA, for real: fetches the provider and its libraries (1.2 GB), loads them up to the device, and
// deletes them. Without a GPU what is missing then is the driver, and nothing else.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { isManylinux } from '@bn/native';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const packageFolder = join(import.meta.dirname, '..');

test('setup for CUDA, load up to the device, remove', { timeout: 400_000 }, async (context) => {
  context.skip(!isManylinux(), 'the setup is for Linux x64 with glibc');
  const root = mkdtempSync(join(tmpdir(), 'bn-setup-'));
  context.onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const env = { ...process.env, BN_NATIVE_DIR: root };
  const node = (...args: string[]) => run(process.execPath, args, { env, cwd: packageFolder });
  const setup = (...flags: string[]) => node('bin/bn-onnxruntime-setup.js', '--cuda', ...flags);

  await setup().catch((error: Error & { stderr: string }) => {
    const offline = /does not answer|cannot be downloaded|pip cannot download/.test(error.stderr);
    context.skip(offline, `the package index is not reached: ${error.stderr.trim()}`);
    throw error;
  });
  const entry = pathToFileURL(join(packageFolder, 'dist', 'index.js')).href;
  const program = `const { diagnose } = await import('${entry}'); console.log(JSON.stringify(await diagnose()));`;
  const { stdout } = await node('--input-type=module', '-e', program);
  const diagnoses = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
    device: string;
    available: boolean;
    detail: string;
  }[];
  const cuda = diagnoses.find(({ device }) => device === 'cuda')!;
  const driver = existsSync('/proc/driver/nvidia');
  expect(cuda.available || cuda.detail).toEqual(driver ? true : expect.stringContaining('driver'));
  expect((await setup()).stdout).toContain('nothing to do');
  await setup('--remove');
  expect(existsSync(root) ? readdirSync(root).filter((name) => name.startsWith('onnxruntime')) : []).toEqual([]);
});
