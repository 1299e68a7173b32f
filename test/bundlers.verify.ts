// Programs for Node that a bundler has put into one file: the packages find their data and their threads.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packPackages, withDependencies } from './pack-packages.js';

const run = promisify(execFile);
const outside = mkdtempSync(join(tmpdir(), 'bn-bundlers-'));
const folder = join(outside, 'program');
afterAll(() => rmSync(outside, { recursive: true, force: true }));

/** Without the folders of packages that pnpm adds for what it starts. */
const env = { ...process.env, NODE_PATH: '' };

const program = `
import { batchNorm, classification, conv2d, createTrainer, defineModel, dense, flatten, relu, sequential, sgd } from '@bn/core';
import { fashionMnist } from '@bn/fashion-mnist';
import { createBackend } from '@bn/wasm';

async function main() {
  const network = sequential({
    conv: conv2d(8, { kernelSize: 3, stride: 2 }),
    bn: batchNorm(),
    relu: relu(),
    flatten: flatten(),
    out: dense(10),
  });
  const model = defineModel(network, { input: { shape: [null, 1, 28, 28], dtype: 'float32' } });
  const backend = await createBackend({ threads: 2 });
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd(), seed: 1 });
  const { train } = await fashionMnist();
  const losses = [];
  for await (const event of trainer.fit({ train, epochs: 1, learningRate: 0.1 })) {
    if (event.type === 'step') losses.push(event.loss);
    if (losses.length === 5) break;
  }
  await trainer.dispose();
  await backend.dispose();
  console.log(JSON.stringify({ device: backend.device, losses }));
}
main();
`;

const webpackConfig = `module.exports = {
  mode: 'production',
  target: 'node',
  entry: './program.mjs',
  output: { path: __dirname + '/webpack', filename: 'bundle.cjs' },
  externals: ['sharp'],
};`;

beforeAll(async () => {
  const names = ['@bn/core', '@bn/fashion-mnist', '@bn/wasm'];
  const tarballs = withDependencies(await packPackages(outside), names).map(({ tarball }) => `"${tarball}"`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'program.mjs'), program);
  writeFileSync(join(folder, 'webpack.config.cjs'), webpackConfig);
  // Of esbuild the program itself is in an optional dependency: its install script is not needed.
  const bundlers = ['esbuild@0.28.2', 'webpack@5.113.0', 'webpack-cli@7.3.1'];
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', ['install', ...quiet, ...tarballs, ...bundlers], { cwd: folder, shell: true });
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
