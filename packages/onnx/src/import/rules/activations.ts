// Activations that are made of others.

import { ops, type Tensor } from '@bn/core';
import type { ImportRules } from '../rules.js';

export const activations: ImportRules = {
  Relu: (node) => ops.relu(node.tensor(0)),
  LeakyRelu: (node) => leakyRelu(node.tensor(0), node.attributes.float('alpha', 0.01)),
  PRelu: (node) => leakyRelu(node.tensor(0), node.tensor(1)),
  ThresholdedRelu: (node) => {
    const x = node.tensor(0);
    return ops.where(ops.greater(x, node.attributes.float('alpha', 1)), x, 0);
  },
  Elu: (node) => elu(node.tensor(0), node.attributes.float('alpha', 1)),
  Celu: (node) => {
    const alpha = node.attributes.float('alpha', 1);
    return elu(node.tensor(0), alpha, 1 / alpha);
  },
  Selu: (node) => {
    const { attributes } = node;
    const y = elu(node.tensor(0), attributes.float('alpha', 1.6732632));
    return ops.mul(y, attributes.float('gamma', 1.0507009));
  },
  HardSigmoid: (node) =>
    hardSigmoid(node.tensor(0), node.attributes.float('alpha', 0.2), node.attributes.float('beta', 0.5)),
  HardSwish: (node) => ops.mul(node.tensor(0), hardSigmoid(node.tensor(0), 1 / 6, 0.5)),
  Swish: (node) => {
    const x = node.tensor(0);
    return ops.mul(x, ops.sigmoid(ops.mul(x, node.attributes.float('alpha', 1))));
  },
  Softplus: (node) => softplus(node.tensor(0)),
  Softsign: (node) => ops.div(node.tensor(0), ops.add(1, abs(node.tensor(0)))),
  Mish: (node) => ops.mul(node.tensor(0), ops.tanh(softplus(node.tensor(0)))),
  Gelu: (node) =>
    node.attributes.string('approximate', 'none') === 'tanh' ? ops.geluTanh(node.tensor(0)) : ops.gelu(node.tensor(0)),
};

export function abs(x: Tensor): Tensor {
  return ops.maximum(x, ops.neg(x));
}

/** x to a whole power of 1 or more, by products. */
export function wholePower(x: Tensor, power: number): Tensor {
  if (power === 1) return x;
  const half = wholePower(x, Math.floor(power / 2));
  return power % 2 === 0 ? ops.mul(half, half) : ops.mul(ops.mul(half, half), x);
}

function leakyRelu(x: Tensor, slope: Tensor | number): Tensor {
  return ops.where(ops.less(x, 0), ops.mul(x, slope), x);
}

/** x above 0, and alpha · (exp(slope · x) − 1) below. */
function elu(x: Tensor, alpha: number, slope = 1): Tensor {
  const below = ops.sub(ops.exp(ops.mul(ops.minimum(x, 0), slope)), 1);
  return ops.where(ops.less(x, 0), ops.mul(below, alpha), x);
}

/** 0 and 1, and a line between them. */
function hardSigmoid(x: Tensor, slope: number, atZero: number): Tensor {
  return ops.maximum(ops.minimum(ops.add(ops.mul(x, slope), atZero), 1), 0);
}

/** log(1 + exp(x)), which does not overflow. */
function softplus(x: Tensor): Tensor {
  return ops.add(ops.relu(x), ops.log(ops.add(1, ops.exp(ops.neg(abs(x))))));
}
