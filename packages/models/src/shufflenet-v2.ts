// ShuffleNet V2 (Ma et al., 2018, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design"), with PyTorch's names.

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
  type Tensor,
} from '@bn/core';
import { bySize, convolutions, type SmallImageOptions } from './network.js';

/** Channels of the three stages and of the last convolution, by width (table 5). */
const channelsOf = {
  0.5: [48, 96, 192, 1024],
  1: [116, 232, 464, 1024],
  1.5: [176, 352, 704, 1024],
  2: [244, 488, 976, 2048],
};

export interface ShufflenetV2Options extends SmallImageOptions {
  /** Default 1. */
  width?: keyof typeof channelsOf | undefined;
}

/**
 * Images [batch, channels, height, width] → logits [batch, classes]. Default normalization: batch normalization as in
 * PyTorch. Small images are not shrunk before the first stage.
 */
export function shufflenetV2(options: ShufflenetV2Options = {}): Layer {
  requireOptions('shufflenetV2', options, 'classes normalization smallImages width');
  const { classes = 10, normalization = batchNorm, width = 1 } = options;
  const { list, unit } = convolutions(normalization, { convention: 'torch' });
  const [last, ...stages] = channelsOf[width].toReversed() as [number, ...number[]];

  const block = (inputs: number, outputs: number, stride: number): Layer => {
    const half = outputs / 2;
    const branch1 = sequential([...list(inputs, { stride, groups: inputs }), ...list(half, { kernelSize: 1 }, relu())]);
    const branch2 = sequential([
      ...list(half, { kernelSize: 1 }, relu()),
      ...list(half, { stride, groups: half }),
      ...list(half, { kernelSize: 1 }, relu()),
    ]);
    return defineLayer((x, scope) => {
      const [left, right] = stride === 1 ? halves(x) : [branch1(x, scope.child('branch1')), x];
      return shuffle(ops.concat([left, branch2(right, scope.child('branch2'))], 1));
    });
  };
  const stem = bySize(options.smallImages, (isSmall) =>
    sequential({
      conv1: unit(24, { stride: isSmall ? 1 : 2 }, relu()),
      ...(!isSmall && { maxpool: maxPool2d(3, { stride: 2, padding: 1 }) }),
    }),
  );
  let channels = 24;
  const named = stages.toReversed().map((outputs, i) => {
    const blocks = Array.from({ length: [4, 8, 4][i]! }, (_, at) =>
      block(at === 0 ? channels : outputs, outputs, at === 0 ? 2 : 1),
    );
    channels = outputs;
    return [`stage${i + 2}`, sequential(blocks)] as const;
  });
  const rest = sequential({
    ...Object.fromEntries(named),
    ...{ conv5: unit(last, { kernelSize: 1 }, relu()), pool: globalAveragePool2d(), fc: dense(classes) },
  });
  return (x, scope) => rest(stem(x, scope), scope);
}

function halves(x: Tensor): [Tensor, Tensor] {
  const [, channels, height, width] = x.shape as [null, number, number, number];
  const part = (from: number, to: number) => ops.slice(x, [0, from, 0, 0], [x.shape[0]!, to, height, width]);
  return [part(0, channels / 2), part(channels / 2, channels)];
}

/** Channels of the two halves in turn. */
function shuffle(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const grouped = ops.reshape(x, [batch, 2, channels / 2, height, width]);
  return ops.reshape(ops.transpose(grouped, [0, 2, 1, 3, 4]), x.shape);
}
