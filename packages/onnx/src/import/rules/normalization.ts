// Batch normalization, dropout, softmax.

import { batchNorm, dropout, ops, type Scope, type Shape, sizeOf, type Tensor } from '@bn/core';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';
import type { Weight } from '../weights.js';

export const normalization: ImportRules = {
  BatchNormalization: (node) => {
    if (node.attributes.int('training_mode', 0) !== 0) throw node.unsupported('training_mode');
    if (node.attributes.int('spatial', 1) === 0) throw node.unsupported('spatial = 0');
    const epsilon = node.attributes.float('epsilon', 1e-5);
    const weights = node.trace.batchNormWeights(node.node);
    const x = node.tensor(0);
    if (!weights) {
      const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => node.tensor(i)) as [Tensor, Tensor, Tensor, Tensor];
      return ops.batchNormalize(x, mean, variance, scale, bias, { axis: 1, epsilon });
    }
    const [gamma, beta, runningMean, runningVariance] = weights;
    const { declare, update } = node.trace;
    const states: Record<string, Weight> = { runningMean, runningVariance };
    // The layer, with the file's weights in the place of its own.
    const scope: Scope = {
      ...node.trace.scope,
      path: node.node.layer,
      parameter(name) {
        const weight = name === 'gamma' ? gamma : beta;
        return weight ? declare(weight) : node.tensor(name === 'gamma' ? 1 : 2);
      },
      state: (name) => declare(states[name]!),
      update: (name, next) => update(states[name]!, next),
    };
    const momentum = Math.min(1, Math.max(0, node.attributes.float('momentum', 0.9)));
    const frozen = node.trace.batchNorm === 'frozen';
    return batchNorm({ convention: 'onnx', momentum, epsilon, frozen })(x, scope);
  },
  Dropout: (node) => {
    const rate = node.has(1) ? node.number(1) : node.attributes.float('ratio', 0.5);
    return dropout(rate)(node.tensor(0), node.trace.scope);
  },
  Softmax: (node) => alongAxis(node, ops.softmax),
  LogSoftmax: (node) => alongAxis(node, ops.logSoftmax),
};

/** Before opset 13, all axes from `axis` on were one. */
function alongAxis(node: NodeContext, operation: (x: Tensor, axis: number) => Tensor): Tensor {
  const x = node.tensor(0);
  const axis = node.axis(node.attributes.int('axis', node.opset < 13 ? 1 : -1), x.shape);
  if (node.opset >= 13 || axis === x.shape.length - 1) return operation(x, axis);
  const rows: Shape = axis === 1 ? [x.shape[0]!] : [sizeOf(x.shape.slice(0, axis))];
  return ops.reshape(operation(ops.reshape(x, [...rows, sizeOf(x.shape.slice(axis))]), 1), x.shape);
}
