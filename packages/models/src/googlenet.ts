// GoogLeNet (Szegedy et al., 2014, "Going Deeper with Convolutions"; d2l 0.17, §7.4), with PyTorch's names, without the
// auxiliary classifiers.

import {
  defineLayer,
  dense,
  dropout,
  globalAveragePool2d,
  type Layer,
  maxPool2d,
  ops,
  relu,
  requireOptions,
  sequential,
} from '@bn/core';
import { bySize, convolutions, type Geometry, type SmallImageOptions } from './network.js';

export interface GooglenetOptions extends SmallImageOptions {
  /** Kernel of the third branch: 5 as in the paper, the default, or 3 as in PyTorch, whose weights need it. */
  largeKernel?: 3 | 5 | undefined;
  /** Share of features that training drops before the last layer; default 0.2. */
  dropout?: number | undefined;
}

/** Channels of an inception block: 1×1; 3×3 and before it; the large kernel's and before it; after pooling. */
type Inception = readonly [number, number, number, number, number, number];

/**
 * Images [batch, channels, height, width] → logits [batch, classes]. Default normalization: none, as in the paper. For large
 * images the first convolution and two poolings divide the size by eight; small ones keep it until the third pooling.
 */
export function googlenet(options: GooglenetOptions = {}): Layer {
  requireOptions('googlenet', options, 'classes normalization smallImages largeKernel dropout');
  const { classes = 10, normalization = null, largeKernel = 5, dropout: rate = 0.2 } = options;
  const { normalize, conv } = convolutions(normalization, { convention: 'torch', epsilon: 1e-3 });
  const unit = (filters: number, geometry?: Geometry) =>
    sequential({ conv: conv(filters, geometry), ...normalize('bn'), relu: relu() });
  const point = (filters: number) => unit(filters, { kernelSize: 1 });
  /** Halves the size, and counts the rest of an odd one. */
  const pool = (kernelSize = 3) => maxPool2d(kernelSize, { stride: 2, padding: [0, 0, 1, 1] });

  const inception = ([one, before3, three, before5, five, pooled]: Inception): Layer => {
    const branches = {
      branch1: point(one),
      branch2: sequential([point(before3), unit(three)]),
      branch3: sequential([point(before5), unit(five, { kernelSize: largeKernel })]),
      branch4: sequential([maxPool2d(3, { stride: 1, padding: 1 }), point(pooled)]),
    };
    return defineLayer((x, scope) => {
      const outputs = Object.entries(branches).map(([name, branch]) => branch(x, scope.child(name)));
      return ops.concat(outputs, 1);
    });
  };
  const stem = bySize(options.smallImages, (isSmall) =>
    sequential({
      conv1: isSmall ? unit(64) : unit(64, { kernelSize: 7, stride: 2 }),
      ...(!isSmall && { maxpool1: pool() }),
      ...{ conv2: point(64), conv3: unit(192) },
      ...(!isSmall && { maxpool2: pool() }),
    }),
  );
  const rest = sequential({
    inception3a: inception([64, 96, 128, 16, 32, 32]),
    inception3b: inception([128, 128, 192, 32, 96, 64]),
    maxpool3: pool(),
    inception4a: inception([192, 96, 208, 16, 48, 64]),
    inception4b: inception([160, 112, 224, 24, 64, 64]),
    inception4c: inception([128, 128, 256, 24, 64, 64]),
    inception4d: inception([112, 144, 288, 32, 64, 64]),
    inception4e: inception([256, 160, 320, 32, 128, 128]),
    maxpool4: pool(2),
    inception5a: inception([256, 160, 320, 32, 128, 128]),
    inception5b: inception([384, 192, 384, 48, 128, 128]),
    ...{ avgpool: globalAveragePool2d(), dropout: dropout(rate), fc: dense(classes) },
  });
  return (x, scope) => rest(stem(x, scope), scope);
}
