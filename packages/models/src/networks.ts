// The networks by the names that programs have for them: torchvision's, where it has them.

import type { Layer } from '@bn/core';
import { alexnet } from './alexnet.js';
import { densenet121 } from './densenet.js';
import { efficientnet } from './efficientnet.js';
import { googlenet } from './googlenet.js';
import { lenet } from './lenet.js';
import { mobilenetV2 } from './mobilenet-v2.js';
import { mobilenetV3Large, mobilenetV3Small } from './mobilenet-v3.js';
import type { NetworkOptions } from './network.js';
import { nin } from './nin.js';
import { resnet10, resnet18, resnet20, resnet34, resnet50 } from './resnet.js';
import { shufflenetV2 } from './shufflenet-v2.js';
import { vgg11, vgg16 } from './vgg.js';

type Networks = Readonly<Record<string, (options: NetworkOptions) => Layer>>;

/** Those without normalization unless it is asked for: they are older. */
export const plainNetworks: Networks = { lenet, alexnet, vgg11, vgg16, nin, googlenet };

/** Those with batch normalization unless another, or none, is asked for. */
export const normalizedNetworks: Networks = {
  ...{ resnet10, resnet18, resnet20, resnet34, resnet50, densenet121 },
  mobilenet_v2: mobilenetV2,
  mobilenet_v3_small: mobilenetV3Small,
  mobilenet_v3_large: mobilenetV3Large,
  efficientnet_b0: efficientnet,
  shufflenet_v2_x1_0: shufflenetV2,
};
