// Fused operations that ONNX has an operator for.

import { decomposeNode, type FusedName } from '@bn/core';
import type { Rules } from '../rules.js';

export const fused: Rules<FusedName> = {
  batchNormalize: (node, to) => {
    // ONNX has the channels on axis 1 always.
    if (node.attributes.axis !== 1) return to.operand(decomposeNode(node));
    const [x, mean, variance, gamma, beta] = to.operandValues(node);
    // In inference mode also while training, fed with the batch's own mean and variance: the operator's training mode is
    // refused on CUDA, and ONNX Runtime's CPU kernel gets it wrong when scale and mean are initializers of equal content.
    return to.emit('BatchNormalization', [x!, gamma!, beta!, mean!, variance!], {
      epsilon: { float: node.attributes.epsilon },
    });
  },
  softmax: (node, to) => to.emit('Softmax', to.operandValues(node), node.attributes),
  logSoftmax: (node, to) => to.emit('LogSoftmax', to.operandValues(node), node.attributes),
  relu: ({ inputs: [x] }, to) => {
    const { name, shape } = to.operand(x!);
    return { name: to.emit('Relu', [name]), shape };
  },
};
