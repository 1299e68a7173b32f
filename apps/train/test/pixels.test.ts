// What built-in networks take pixels as, and that weights meet the pixels that they were trained with.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { classification, createTrainer, encodeSafetensors, sgd } from '@bn/core';
import { createBackend } from '@bn/reference';
import { expect, test } from 'vitest';
import { type KnobValues, knobNames, knobs } from '../src/config/knobs.js';
import { loadNetwork } from '../src/load/load-network.js';
import { smallFlags, smallFolder, train, writeIdx } from './small-run.js';

const shape = [3, 16, 16];
const presets = Object.fromEntries(knobNames.map((name) => [name, knobs[name].preset])) as KnobValues;

/** What a LeNet of the first seed makes of an image. */
async function predict(pixels: KnobValues['pixels'], image: Float32Array): Promise<number[]> {
  const network = await loadNetwork({ ...presets, model: 'lenet', pixels }, import.meta.dirname);
  const model = network.modelFor({ shape, outputs: 3 }, 'frozen');
  const trainer = await createTrainer({
    model,
    backend: await createBackend(),
    objective: classification(),
    optimizer: sgd(),
  });
  return [...(await trainer.predict(image))];
}

test.each<[KnobValues['pixels'], (pixel: number, channel: number) => number]>([
  ['0..255', (pixel) => 255 * pixel],
  ['-1..1', (pixel) => 2 * pixel - 1],
  // torchvision.transforms.Normalize of its ResNet18_Weights.
  ['imagenet', (pixel, i) => (pixel - [0.485, 0.456, 0.406][i]!) / [0.229, 0.224, 0.225][i]!],
])('pixels %s are made in the graph from those between 0 and 1', async (pixels, scaled) => {
  const image = Float32Array.from({ length: 3 * 256 }, (_, i) => ((i * 37) % 101) / 100);
  const expected = await predict(
    null,
    image.map((pixel, i) => scaled(pixel, Math.floor(i / 256))),
  );
  const found = await predict(pixels, image);
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
  expect(found).not.toEqual(await predict(null, image));
});

test('weights of a run are refused with other pixels than theirs', async () => {
  const folder = smallFolder();
  writeIdx(join(folder, 'large'), { train: 30, t10k: 10 }, { side: 16 });
  const shared = ['--backend', 'reference', '--data', 'large', '--model', 'lenet', '--batch-size', '16'];
  const flags = [...shared, '--epochs', '1'];
  const pixels = ['--pixels', '-1..1'];
  expect(await train(folder, [...flags, ...pixels, '--out', 'run'])).toMatchObject({ code: 0, stderr: '' });
  const weights = ['--weights', 'run/checkpoint.safetensors'];
  const further = [...flags, ...weights];
  const { code, stderr } = await train(folder, further);
  expect(code).toBe(2);
  expect(stderr).toMatch('were trained with --pixels -1..1; train them further in the same way');
  expect(await train(folder, [...further, ...pixels])).toMatchObject({ code: 0 });
  const tried = await train(folder, ['find-rate', ...shared, ...weights]);
  expect(tried).toMatchObject({ code: 2, stderr });
  expect(await train(folder, [...flags, '--pixels', 'imagenet'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching('--pixels imagenet is for images in colour, 3 channels, and the examples are'),
  });
});

test('weights whose metadata is damaged are refused in words', async () => {
  const folder = smallFolder();
  const tensors = new Map([['out.bias', { shape: [3], data: new Float32Array(3) }]]);
  const signature = JSON.stringify({
    input: { name: 'features', dtype: 'float32', shape: [1, 8, 8], image: null },
    output: { name: 'probabilities', kind: 'probabilities', size: 3, names: null },
  });
  for (const fingerprint of ['{', 'null', '{"pixels":"red"}']) {
    writeFileSync(join(folder, 'w.safetensors'), encodeSafetensors(tensors, { signature, fingerprint }));
    const { code, stderr } = await train(folder, [...smallFlags, '--weights', 'w.safetensors']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/w\.safetensors: the fingerprint in its metadata is damaged/);
  }
});
