// Residual networks (He et al., 2015, "Deep Residual Learning for Image Recognition"; d2l 0.17, §7.6), with PyTorch's names.

import {
  batchNorm,
  defineLayer,
  dense,
  globalAveragePool2d,
  type Layer,
  maxPool2d,
  ops,
  relu,
  requireOptions,
  sequential,
} from '@bn/core';
import { bySize, convolutions, type SmallImageOptions } from './network.js';

export interface ResnetOptions extends SmallImageOptions {
  /** Blocks of each stage; default [2, 2, 2, 2], those of ResNet-18. Stages after the first halve the image. */
  blocks?: readonly number[] | undefined;
  /** Channels of the first stage, which double from stage to stage; default 64. */
  width?: number | undefined;
  /** Whether pooling after the first convolution halves large images once more; default true. */
  pool?: boolean | undefined;
  /** Blocks of three convolutions, the middle one narrow, instead of two; default false. */
  bottleneck?: boolean | undefined;
}

/**
 * Images [batch, channels, height, width] → logits [batch, classes]. Default normalization: batch normalization as in
 * PyTorch. For large images a 7×7 convolution and pooling divide the size by four first; small ones start with a 3×3 convolution.
 */
export function resnet(options: ResnetOptions = {}): Layer {
  requireOptions('resnet', options, 'classes normalization smallImages blocks width pool bottleneck');
  const {
    classes = 10,
    normalization = batchNorm,
    blocks = [2, 2, 2, 2],
    width = 64,
    pool = true,
    bottleneck = false,
  } = options;
  const { normalize, conv, unit } = convolutions(normalization, { convention: 'torch' });

  const stem = bySize(options.smallImages, (isSmall) =>
    sequential({
      conv1: isSmall ? conv(width) : conv(width, { kernelSize: 7, stride: 2 }),
      ...normalize('bn1'),
      relu: relu(),
      ...(!isSmall && pool && { maxpool: maxPool2d(3, { stride: 2, padding: 1 }) }),
    }),
  );
  const block = (filters: number, stride: number): Layer => {
    const outputs = bottleneck ? 4 * filters : filters;
    const body = bottleneck
      ? sequential({
          ...{ conv1: conv(filters, { kernelSize: 1 }), ...normalize('bn1'), relu1: relu() },
          ...{ conv2: conv(filters, { stride }), ...normalize('bn2'), relu2: relu() },
          ...{ conv3: conv(outputs, { kernelSize: 1 }), ...normalize('bn3') },
        })
      : sequential({
          ...{ conv1: conv(filters, { stride }), ...normalize('bn1'), relu1: relu() },
          ...{ conv2: conv(outputs), ...normalize('bn2') },
        });
    const downsample = unit(outputs, { kernelSize: 1, stride });
    return defineLayer((x, scope) => {
      const fits = stride === 1 && x.shape[1] === outputs;
      const shortcut = fits ? x : downsample(x, scope.child('downsample'));
      return ops.relu(ops.add(body(x, scope), shortcut));
    });
  };
  const stages = blocks.map((count, stage) => {
    const layers = Array.from({ length: count }, (_, i) => block(width * 2 ** stage, i === 0 && stage > 0 ? 2 : 1));
    return [`layer${stage + 1}`, sequential(layers)] as const;
  });
  const rest = sequential({ ...Object.fromEntries(stages), avgpool: globalAveragePool2d(), fc: dense(classes) });
  return (x, scope) => rest(stem(x, scope), scope);
}

export const resnet18 = (options: ResnetOptions = {}): Layer => resnet({ blocks: [2, 2, 2, 2], ...options });
export const resnet34 = (options: ResnetOptions = {}): Layer => resnet({ blocks: [3, 4, 6, 3], ...options });
export const resnet50 = (options: ResnetOptions = {}): Layer =>
  resnet({ blocks: [3, 4, 6, 3], bottleneck: true, ...options });

/** The paper's for images of 32×32 (§4.2), 0.27 million parameters; its shortcuts are 1×1 convolutions where sizes change. */
export const resnet20 = (options: ResnetOptions = {}): Layer =>
  resnet({ blocks: [3, 3, 3], width: 16, smallImages: true, ...options });

/** For photographs of about 64 pixels and quick training on a CPU: one block a stage, 16 to 128 channels, 0.3 million parameters. */
export const resnet10 = (options: ResnetOptions = {}): Layer =>
  resnet({ blocks: [1, 1, 1, 1], width: 16, pool: false, ...options });
