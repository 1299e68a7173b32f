// A network that knows nine classes of Fashion-MNIST learns ankle boots, which it has never seen, beside two classes that it knows,
// from 100 images. BN_SEEDS=0,1,2 takes three sets of 100 images and of first weights; README.md has the figures.

import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Dataset } from '@bn/core';
import { fashionMnist } from '@bn/fashion-mnist';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { idx, metricsOf } from './small-run.js';

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const elsewhere = fileURLToPath(new URL('fine_tuning.py', import.meta.url));
const python = process.env.BN_PYTHON ?? 'python3';
const env = { ...process.env, KERAS_BACKEND: 'torch' };
const seeds = (process.env.BN_SEEDS ?? '0,1').split(',').map(Number);
const timeout = 3_600_000;
// Not the synchronous one: Vitest gives up a worker that does not answer for a minute.
const execute = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'bn-fine-tuning-'));

beforeAll(async () => {
  const { train, test: others } = await fashionMnist();
  const nine = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const three = [5, 7, 9];
  write('nine', 'train', train, nine, 0, 9000);
  write('nine', 't10k', others, nine, 0, 180);
  for (const seed of seeds) {
    write(`three${seed}`, 'train', train, three, 1000 + 34 * seed, 100);
    write(`three${seed}`, 't10k', others, three, 0, 900);
  }
  // For images of 28 by 28 the built-in resnet18 would begin with a small convolution, and cost fourteen times as much.
  const network = `import { resnet18 } from '@bn/models';\nexport default resnet18({ smallImages: false });\n`;
  writeFileSync(join(folder, 'resnet18.ts'), network);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** IDX files of `count` images, of each class in turn, without the first `from` of each class. */
function write(name: string, part: string, data: Dataset, classes: readonly number[], from: number, count: number) {
  const each = Math.ceil(count / classes.length);
  const found = classes.map((): Uint8Array[] => []);
  for (let i = 0; found.some((images) => images.length < from + each); i++) {
    const { features, label } = data.get(i);
    found[classes.indexOf(label as number)]?.push(Uint8Array.from(features));
  }
  const images = Array.from({ length: each }, (_, i) => found.map((of) => of[from + i]!)).flat();
  const labels = Uint8Array.from({ length: count }, (_, i) => i % classes.length);
  mkdirSync(join(folder, name), { recursive: true });
  const path = (what: string) => join(folder, name, `${part}-${what}-ubyte`);
  writeFileSync(path('images-idx3'), idx([count, 28, 28], Buffer.concat(images.slice(0, count))));
  writeFileSync(path('labels-idx1'), idx([count], labels));
}

/** Trains, and tells the accuracy on the test images. */
async function train(name: string, ...flags: readonly string[]): Promise<number> {
  const all = ['--backend', 'wasm', '--optimizer', 'adam', '--schedule', 'cosine', '--keep', 'last', ...flags];
  await execute(process.execPath, [program, ...all, '--out', name], { cwd: folder });
  const { accuracy } = metricsOf(join(folder, name)).at(-1)!.test.metrics;
  console.log(`${name}: ${accuracy!.toFixed(3)}`);
  return accuracy!;
}

/** Of the training on 100 images. */
const few = (seed: number) => ['--data', `three${seed}`, '--epochs', '10', '--batch-size', '20', '--seed', `${seed}`];

/** Expects new heads on what a network knows to be better in the mean than the same network trained on the 100 images alone. */
async function compare(name: string, knows: readonly string[], alone: readonly number[]): Promise<void> {
  const tuned = [];
  for (const seed of seeds) {
    tuned.push(await train(`${name}-tuned-${seed}`, ...few(seed), ...knows, '--new-head', '--freeze', 'backbone'));
  }
  expect(mean(tuned)).toBeGreaterThan(mean(alone) + 0.01);
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;

// All that this computes is the same on every machine with relaxed SIMD, for any number of threads.
test('a ResNet-18 trained here: a new head is better, because what it knows needs no learning', {
  timeout,
}, async () => {
  const network = ['--model', 'resnet18.ts'];
  await train('nine-classes', '--data', 'nine', ...network, '--epochs', '2', '--batch-size', '100');
  const alone = [];
  for (const seed of seeds) alone.push(await train(`own-alone-${seed}`, ...few(seed), ...network));
  await compare('own', [...network, '--weights', join('nine-classes', 'checkpoint.safetensors')], alone);
});

test.for<[what: string, name: string, packages: string]>([
  ['ResNet-18 of torchvision', 'torch', 'torch, torchvision, onnxscript'],
  ['convolutional network of Keras', 'keras', 'keras, torch, onnxscript'],
])(
  'a %s, from its .onnx file: a new head is better than training it there',
  { timeout },
  async ([, name, packages], { skip }) => {
    const found = spawnSync(python, ['-c', `import numpy, ${packages}`], { env }).status === 0;
    skip(!found, `${python} lacks one of numpy, ${packages}; pip install them, or name another Python in BN_PYTHON`);
    const { stdout } = await execute(python, [elsewhere, name, folder, ...seeds.map(String)], { env });
    const alone = JSON.parse(stdout.trim().split('\n').at(-1)!) as number[];
    for (const [i, seed] of seeds.entries()) console.log(`${name}-alone-${seed}: ${alone[i]!.toFixed(3)}`);
    await compare(name, ['--model', `${name}.onnx`], alone);
  },
);
