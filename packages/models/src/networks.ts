// The networks by the names that programs have for them.

import type { Layer } from '@bn/core';
import { lenet } from './lenet.js';
import type { NetworkOptions } from './network.js';
import { resnet10, resnet18, resnet20, resnet34, resnet50 } from './resnet.js';

type Networks = Readonly<Record<string, (options: NetworkOptions) => Layer>>;

/** Those without normalization unless it is asked for: they are older. */
export const plainNetworks: Networks = { lenet };

/** Those with batch normalization unless another, or none, is asked for. */
export const normalizedNetworks: Networks = { resnet10, resnet18, resnet20, resnet34, resnet50 };
