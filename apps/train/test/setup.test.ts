// The command `setup`: it finds a backend and hands on what was asked.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { smallFolder, train } from './small-run.js';

/** A folder with a backend of its own, installed as @bn/stranger-cuda. */
function folderWithBackend(setup: string): string {
  const folder = smallFolder();
  const package_ = join(folder, 'node_modules', '@bn', 'stranger-cuda');
  mkdirSync(package_, { recursive: true });
  writeFileSync(join(package_, 'package.json'), '{"name":"@bn/stranger-cuda","type":"module","exports":"./index.js"}');
  writeFileSync(join(package_, 'index.js'), `export const createBackend = () => {};\n${setup}`);
  return folder;
}

it.each(['stranger', 'stranger-cuda', '@bn/stranger-cuda'])('runs the setup of %s', async (name) => {
  const folder = folderWithBackend(
    'export const setup = async ({ cuda, remove, dryRun, say }) => say(JSON.stringify({ cuda, remove, dryRun }));',
  );
  const { code, stdout } = await train(folder, ['setup', name, '--cuda', '--dry-run']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '{"cuda":true,"dryRun":true}\n' });
});

it('a setup that fails says why', async () => {
  const folder = folderWithBackend("export const setup = async () => { throw new Error('no disk'); };");
  const { code, stderr } = await train(folder, ['setup', 'stranger']);
  expect(code).toBe(1);
  expect(stderr).toContain('error: no disk');
});

it('backends without a setup, and unknown ones, are mistakes in the call', async () => {
  const folder = folderWithBackend('');
  expect(await train(folder, ['setup', 'stranger'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/has no setup/),
  });
  expect(await train(folder, ['setup', 'nothing'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/unknown backend/),
  });
  expect(await train(folder, ['setup'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/missing.*backend/) });
});

it('each of our backends that fetches something offers it, and says so without fetching', async () => {
  const { code, stdout } = await train(smallFolder(), ['setup', 'onnxruntime']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/inside onnxruntime-node.*--cuda installs what CUDA needs/);
});
