import { defineModel, input, sizeOf, toTorch, trace } from '@bn/core';
import { expect, test } from 'vitest';
import { type NetworkOptions, normalizedNetworks, plainNetworks, resnet } from '../src/index.js';

const networks = { ...plainNetworks, ...normalizedNetworks };

function traced(name: string, options: NetworkOptions, shape: readonly number[]) {
  const model = defineModel(networks[name]!(options), { input: { shape: [null, ...shape], dtype: 'float32' } });
  return { model, ...trace(model, input('features', [2, ...shape]), { training: true }) };
}

// As torchvision.models and the papers count them.
test.each([
  ['resnet18', 11_689_512],
  ['resnet34', 21_797_672],
  ['resnet50', 25_557_032],
  ['alexnet', 61_100_840],
  ['vgg11', 132_863_336],
  ['vgg16', 138_357_544],
  ['densenet121', 7_978_856],
  ['mobilenet_v2', 3_504_872],
  ['mobilenet_v3_small', 2_542_856],
  ['mobilenet_v3_large', 5_483_032],
  ['efficientnet_b0', 5_288_548],
  ['shufflenet_v2_x1_0', 2_278_604],
])('%s has as many parameters as in PyTorch', (name, count) => {
  const { output, parameters } = traced(name, { classes: 1000 }, [3, 224, 224]);
  expect(output.shape).toEqual([2, 1000]);
  expect([...parameters.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(count);
});

test('resnet18 has PyTorch’s names', () => {
  const { model, parameters, states } = traced('resnet18', {}, [3, 64, 64]);
  const values = [...parameters, ...states].map(
    ([path, { shape }]) => [path, { shape, data: new Float32Array() }] as const,
  );
  const names = [...toTorch(model, new Map(values)).keys()];
  expect(names).toHaveLength(62 + 40);
  expect(names).toEqual(
    expect.arrayContaining([
      ...['conv1.weight', 'bn1.running_var', 'layer1.0.conv1.weight', 'layer2.0.downsample.0.weight'],
      ...['layer2.0.downsample.1.bias', 'layer4.1.bn2.weight', 'fc.bias'],
    ]),
  );
});

test('small images are not shrunk at the start, unless that is asked for', () => {
  const firstKernel = (options: object, side: number) =>
    traced('resnet18', options, [1, side, side]).parameters.get('conv1.weight')!.shape;
  expect(firstKernel({}, 63)).toEqual([64, 1, 3, 3]);
  expect(firstKernel({}, 64)).toEqual([64, 1, 7, 7]);
  expect(firstKernel({ smallImages: false }, 32)).toEqual([64, 1, 7, 7]);
  expect(firstKernel({ smallImages: true }, 64)).toEqual([64, 1, 3, 3]);
});

test.each(Object.keys(networks))('%s works without normalization: with biases in its place', (name) => {
  const { parameters, states } = traced(name, { normalization: null }, [3, 64, 64]);
  expect([...states.keys()]).toEqual([]);
  expect([...parameters.keys()].filter((path) => path.endsWith('gamma'))).toEqual([]);
  const weights = [...parameters.keys()].filter((path) => path.endsWith('.weight'));
  expect(weights.filter((path) => !parameters.has(path.replace(/weight$/, 'bias')))).toEqual([]);
});

test('blocks and width make narrow and short residual networks', () => {
  const model = defineModel(resnet({ blocks: [1, 1], width: 8 }), {
    input: { shape: [null, 3, 64, 64], dtype: 'float32' },
  });
  const { parameters } = trace(model, input('features', [2, 3, 64, 64]), { training: true });
  expect(parameters.get('fc.weight')!.shape).toEqual([10, 16]);
});
