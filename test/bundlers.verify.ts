// Programs for Node that a bundler has put into one file: the packages find their data and their threads.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installPacked, packPackages } from './pack-packages.js';
import { trainingPackages, trainingProgram } from './training-program.js';

const run = promisify(execFile);
const outside = mkdtempSync(join(tmpdir(), 'bn-bundlers-'));
const folder = join(outside, 'program');
afterAll(() => rmSync(outside, { recursive: true, force: true }));

/** Without the folders of packages that pnpm adds for what it starts. */
const env = { ...process.env, NODE_PATH: '' };

const webpackConfig = `module.exports = {
  mode: 'production',
  target: 'node',
  entry: './program.mjs',
  output: { path: __dirname + '/webpack', filename: 'bundle.cjs' },
  externals: ['sharp'],
};`;

beforeAll(async () => {
  // Of esbuild the program itself is in an optional dependency: its install script is not needed.
  const bundlers = ['esbuild@0.28.2', 'webpack@5.113.0', 'webpack-cli@7.3.1'];
  await installPacked(await packPackages(outside), folder, trainingPackages, bundlers);
  writeFileSync(join(folder, 'program.mjs'), trainingProgram);
  writeFileSync(join(folder, 'webpack.config.cjs'), webpackConfig);
});

const esbuild = 'esbuild program.mjs --bundle --platform=node --log-level=error';

test.for([
  ['esbuild, as a module', `${esbuild} --format=esm --outfile=esm/bundle.mjs`, 'esm/bundle.mjs'],
  ['esbuild, as CommonJS', `${esbuild} --format=cjs --outfile=cjs/bundle.cjs`, 'cjs/bundle.cjs'],
  [
    'esbuild, made small',
    `${esbuild} --format=esm --minify --keep-names --outfile=small/bundle.mjs`,
    'small/bundle.mjs',
  ],
  ['webpack', 'webpack', 'webpack/bundle.cjs'],
] as const)('%s: the bundle trains on the data, on two threads, to the same numbers', async ([, command, bundle]) => {
  await run('npx', ['--no-install', ...command.split(' ')], { cwd: folder, shell: true });
  const [expected, got] = await Promise.all(
    ['program.mjs', bundle].map(async (file) => (await run(process.execPath, [file], { cwd: folder })).stdout),
  );
  expect(JSON.parse(got!)).toEqual(JSON.parse(expected!));
  expect(JSON.parse(got!).device).not.toHaveProperty('reason');
});

test('a bundle that runs where the data set is not installed says so', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'bn-elsewhere-'));
  const file = join(elsewhere, 'bundle.mjs');
  await run('npx', ['--no-install', ...`${esbuild} --format=esm --outfile="${file}"`.split(' ')], {
    cwd: folder,
    shell: true,
  });
  await expect(run(process.execPath, [file], { cwd: elsewhere, env })).rejects.toMatchObject({
    stderr: expect.stringMatching(
      /@bn\/fashion-mnist is not installed where file:.*bundle\.mjs is, nor in the working folder/,
    ),
  });
  rmSync(elsewhere, { recursive: true });
});
