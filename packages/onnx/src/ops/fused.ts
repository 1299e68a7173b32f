// Fused operations that ONNX has an operator for.

import type { FusedName } from '@bn/core';
import { decomposeNode } from '@bn/core';
import type { Rules } from '../rules.js';

export const fused: Rules<FusedName> = {
  batchNormalize: (node, to) => {
    // ONNX has the channels on axis 1 always.
    if (node.attributes.axis !== 1) return to.operand(decomposeNode(node));
    const [x, mean, variance, gamma, beta] = node.inputs.map((input) => to.value(input));
    // In inference mode also while training, fed with the batch's own mean and variance: the operator's training mode is
    // refused on CUDA, and ONNX Runtime's CPU kernel gets it wrong when scale and mean are initializers of equal content.
    return to.emit('BatchNormalization', [x!, gamma!, beta!, mean!, variance!], {
      epsilon: { float: node.attributes.epsilon },
    });
  },
  softmax: ({ inputs: [x], attributes: { axis } }, to) => to.emit('Softmax', [to.value(x!)], { axis }),
  logSoftmax: ({ inputs: [x], attributes: { axis } }, to) => to.emit('LogSoftmax', [to.value(x!)], { axis }),
  relu: ({ inputs: [x] }, to) => {
    const { name, shape } = to.operand(x!);
    return { name: to.emit('Relu', [name]), shape };
  },
};
