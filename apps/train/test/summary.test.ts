// `summary`: figures of known networks, and of all kinds of them.

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { NetworkSummary } from '../src/summary/summarize.js';
import { smallFolder, train } from './small-run.js';

const torchCnn = fileURLToPath(new URL('../../../packages/onnx/test/data/torch-cnn.onnx', import.meta.url));

async function summary(folder: string, ...flags: string[]): Promise<NetworkSummary> {
  const { code, stdout, stderr } = await train(folder, ['summary', '--json', ...flags]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

// torchvision's own figures, in its weights' "num_params" and "_ops".
it.each([
  ['resnet18', 11_689_512, 1.814],
  ['mobilenet_v3_small', 2_542_856, 0.057],
])('%s has the parameters and the multiply-adds of torchvision', async (model, parameters, giga) => {
  const flags = ['--image-size', '224', '--classes', '1000', '--batch-size', '2'];
  const found = await summary('/', '--model', model, ...flags);
  expect(found.parameters).toBe(parameters);
  expect(found.multiplyAdds / 1e9).toBeCloseTo(giga, 3);
  expect(found.layers.at(-1)).toMatchObject({ shape: [1000] });
});

it('is a table with totals: LeNet by hand', async () => {
  const { stdout } = await train('/', ['summary', '--batch-size', '1', '--model', 'lenet']);
  expect(stdout).toContain('lenet on 1×28×28');
  expect(stdout).toMatch(/^conv1 +6×24×24 +156 +86,400$/m);
  expect(stdout).toMatch(/^sigmoid1 +6×24×24$/m);
  expect(stdout).toMatch(/^dense3 +10 +850 +840$/m);
  expect(stdout).toMatch(/^in all +44,426 +281,640$/m);
  expect(stdout).toMatch(/^parameters +0.18 MB$/m);
});

it('counts the memory of a step: what does not depend on the batch once, activations by example', async () => {
  const [one, two] = await Promise.all(
    ['2', '4'].map((n) => summary('/', '--model', 'lenet', '--optimizer', 'adam', '--batch-size', n)),
  );
  expect(one!.memory.parameters).toBe(4 * 44_426);
  expect(one!.memory).toMatchObject({ gradients: 4 * 44_426, optimizer: 8 * 44_426, states: 0, batch: 2 * 784 });
  // Outputs of sigmoids and poolings but the last layer's, at least; and not everything twice.
  const outputs = 6 * 24 * 24 + 6 * 12 * 12 + 16 * 8 * 8 + 256 + 120 + 84;
  expect(one!.memory.activations).toBeGreaterThanOrEqual(2 * 4 * outputs);
  expect(one!.memory.activations).toBeLessThan(2 * 4 * 2 * outputs);
  expect(two!.memory.activations / one!.memory.activations).toBeCloseTo(2, 1);
});

it('takes networks of one’s own, with data or sizes, and .onnx files', async () => {
  const folder = smallFolder();
  const byData = await summary(folder, '--model', './net.ts', '--data', './data');
  expect(byData.layers.map(({ layer }) => layer)).toEqual(['', 'conv', 'bn', 'act', 'flatten', 'out']);
  expect(byData.parameters).toBe(20 + 4 + 72 * 3 + 3);
  const bySize = await summary(folder, '--model', './net.ts', '--image-size', '8', '--channels', '1');
  expect(bySize.layers).toEqual(byData.layers);
  const imported = await summary(folder, '--model', torchCnn);
  expect(imported).toMatchObject({ input: [1, 14, 14], parameters: 605 });
  expect(imported.layers.at(-1)).toMatchObject({ shape: [3] });
});

it('says what is missing', async () => {
  const { code, stderr } = await train('/', ['summary', '--model', 'resnet18', '--classes', '5']);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'error: --channels and --classes without --data need --image-size, such as --image-size 224\n',
  });
});
