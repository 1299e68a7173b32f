// LeNet (LeCun et al., 1998) in the textbook's form, with or without batch normalization.

import { avgPool2d, conv2d, dense, flatten, type Layer, requireOptions, sequential, sigmoid } from '@bn/core';
import { convolutions, type NetworkOptions } from './network.js';

/**
 * Two convolutions and three dense layers with sigmoids and average pooling: images [batch, channels, height, width]
 * of at least 16 × 16 → logits [batch, classes]. d2l 0.17, §6.6; with normalization, which is none by default, §7.5.
 */
export function lenet(options: NetworkOptions = {}): Layer {
  requireOptions('lenet', options, 'classes normalization');
  const { classes = 10, normalization = null } = options;
  const { normalize } = convolutions(normalization, {});
  return sequential({
    conv1: conv2d(6, { kernelSize: 5 }),
    ...normalize('bn1'),
    sigmoid1: sigmoid(),
    pool1: avgPool2d(2),
    conv2: conv2d(16, { kernelSize: 5 }),
    ...normalize('bn2'),
    sigmoid2: sigmoid(),
    pool2: avgPool2d(2),
    flatten: flatten(),
    dense1: dense(120),
    ...normalize('bn3'),
    sigmoid3: sigmoid(),
    dense2: dense(84),
    ...normalize('bn4'),
    sigmoid4: sigmoid(),
    dense3: dense(classes),
  });
}
