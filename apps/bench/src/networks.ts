// The networks that are measured: lists of layers, which the peers build theirs from too, or networks by torchvision's names.

import {
  avgPool2d,
  batchNorm,
  conv2d,
  dense,
  flatten,
  globalAveragePool2d,
  type Layer,
  maxPool2d,
  relu,
  residual,
  sequential,
  sigmoid,
} from '@bn/core';
import { batchNormFromScratch, normalizedNetworks } from '@bn/models';

/** One layer: its kind and its sizes. */
export type LayerSpec =
  | readonly ['conv', channels: number, kernel: number, padding: number]
  | readonly ['avgPool' | 'maxPool', size: number]
  /** Two 3×3 convolutions with batch normalization, beside an identity, or a 1×1 convolution where shapes differ. */
  | readonly ['residual', channels: number, stride: number]
  | readonly ['dense', units: number]
  | readonly ['bn' | 'sigmoid' | 'relu' | 'globalPool' | 'flatten'];

export interface Network {
  readonly description: string;
  /** Of one image, `[channels, height, width]`: Fashion-MNIST, with black margins, and its channel repeated. */
  readonly shape: readonly [number, number, number];
  readonly layers: readonly LayerSpec[];
  /** In place of layers, the network that @bn/models and torchvision have by this name. */
  readonly named?: string;
  /** Batch normalization of ours is the one from scratch. */
  readonly scratch?: boolean;
  readonly learningRate: number;
  /** Images of an epoch that is measured. */
  readonly examples: number;
}

const lenet: Network = {
  description: 'LeNet with batch normalization, the reference task',
  shape: [1, 28, 28],
  layers: [
    ['conv', 6, 5, 0],
    ['bn'],
    ['sigmoid'],
    ['avgPool', 2],
    ['conv', 16, 5, 0],
    ['bn'],
    ['sigmoid'],
    ['avgPool', 2],
    ['flatten'],
    ['dense', 120],
    ['bn'],
    ['sigmoid'],
    ['dense', 84],
    ['bn'],
    ['sigmoid'],
    ['dense', 10],
  ],
  learningRate: 1,
  examples: 60_000,
};

const named = (name: string, title: string): Network => ({
  description: `${title} on 3×64×64, as @bn/models and torchvision have it`,
  shape: [3, 64, 64],
  layers: [],
  named: name,
  learningRate: 0.05,
  examples: 512,
});

const convolution = (channels: number): LayerSpec[] => [['conv', channels, 3, 1], ['bn'], ['relu']];
const hidden = (units: number): LayerSpec[] => [['dense', units], ['bn'], ['relu']];

export const networks: Readonly<Record<string, Network>> = {
  'lenet-bn': lenet,
  'lenet-bn-scratch': {
    ...lenet,
    description: 'the same, with batch normalization written from scratch (the peers: as a layer)',
    scratch: true,
  },
  vgg: {
    description: 'VGG-like: two pairs of 3×3 convolutions with 32 and 64 channels on 1×28×28',
    shape: [1, 28, 28],
    layers: [
      ...convolution(32),
      ...convolution(32),
      ['maxPool', 2],
      ...convolution(64),
      ...convolution(64),
      ['maxPool', 2],
      ['flatten'],
      ...hidden(128),
      ['dense', 10],
    ],
    learningRate: 0.1,
    examples: 2560,
  },
  residual: {
    description: 'residual: three blocks of 16, 32 and 64 channels on 3×32×32',
    shape: [3, 32, 32],
    layers: [
      ...convolution(16),
      ['residual', 16, 1],
      ['residual', 32, 2],
      ['residual', 64, 2],
      ['globalPool'],
      ['dense', 10],
    ],
    learningRate: 0.1,
    examples: 2560,
  },
  wide: {
    description: 'wide: 3×3 convolutions with 64, 128 and 256 channels on 1×28×28',
    shape: [1, 28, 28],
    layers: [
      ...convolution(64),
      ['maxPool', 2],
      ...convolution(128),
      ['maxPool', 2],
      ...convolution(256),
      ['globalPool'],
      ['dense', 10],
    ],
    learningRate: 0.1,
    examples: 2560,
  },
  dense: {
    description: 'dense: two hidden layers of 512 on 784 pixels',
    shape: [1, 28, 28],
    layers: [['flatten'], ...hidden(512), ...hidden(512), ['dense', 10]],
    learningRate: 0.1,
    examples: 20_480,
  },
  resnet18: named('resnet18', 'ResNet-18'),
  mobilenet_v2: named('mobilenet_v2', 'MobileNetV2'),
  efficientnet_b0: named('efficientnet_b0', 'EfficientNet-B0'),
  densenet121: named('densenet121', 'DenseNet-121'),
  shufflenet_v2_x1_0: named('shufflenet_v2_x1_0', 'ShuffleNetV2'),
};

/** The network as a layer of @bn/core. */
export function build({ layers, named, shape, scratch = false }: Network): Layer {
  if (named !== undefined) return normalizedNetworks[named]!({ classes: 10 });
  const norm = () => (scratch ? batchNormFromScratch() : batchNorm());
  let channels = shape[0];
  const entries = layers.map((spec, i) => {
    const layer = layerOf(spec, channels, norm);
    if (spec[0] === 'conv' || spec[0] === 'residual') channels = spec[1];
    // A name that looks like a number would be moved to the front.
    return [`${spec[0]}${i + 1}`, layer] as const;
  });
  return sequential(Object.fromEntries(entries));
}

function layerOf(spec: LayerSpec, channels: number, norm: () => Layer): Layer {
  switch (spec[0]) {
    case 'conv':
      return conv2d(spec[1], { kernelSize: spec[2], padding: spec[3] });
    case 'residual':
      return residualBlock(channels, spec[1], spec[2], norm);
    case 'dense':
      return dense(spec[1]);
    case 'avgPool':
      return avgPool2d(spec[1]);
    case 'maxPool':
      return maxPool2d(spec[1]);
    case 'bn':
      return norm();
    case 'sigmoid':
      return sigmoid();
    case 'relu':
      return relu();
    case 'globalPool':
      return globalAveragePool2d();
    case 'flatten':
      return flatten();
  }
}

function residualBlock(inputs: number, channels: number, stride: number, norm: () => Layer): Layer {
  const body = sequential({
    conv1: conv2d(channels, { kernelSize: 3, padding: 1, stride }),
    bn1: norm(),
    relu1: relu(),
    conv2: conv2d(channels, { kernelSize: 3, padding: 1 }),
    bn2: norm(),
  });
  const isSame = inputs === channels && stride === 1;
  const shortcut = sequential({ conv: conv2d(channels, { kernelSize: 1, stride }), bn: norm() });
  return sequential({ sum: isSame ? residual(body) : residual(body, shortcut), relu: relu() });
}
