// Batch normalization, dropout, softmax.

import { BnError, batchNorm, dropout, ops, type Scope, sizeOf, type Tensor } from '@bn/core';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';
import type { Weight } from '../weights.js';

export const normalization: ImportRules = {
  BatchNormalization: (node) => {
    if (node.attributes.int('spatial', 1) === 0) throw node.unsupported('spatial = 0');
    const epsilon = node.attributes.float('epsilon', 1e-5);
    const weights = node.trace.batchNormWeights(node.node);
    const x = node.tensor(0);
    const { declare, update } = node.trace;
    const given = (i: 0 | 1 | 2 | 3) => (weights?.[i] ? declare(weights[i]) : node.tensor(i + 1));
    if (!weights || usesBatch(node)) {
      const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
      const [mean, variance] = usesBatch(node) ? [ops.mean(x, axes), ops.variance(x, axes)] : [given(2), given(3)];
      return ops.batchNormalize(x, mean, variance, given(0), given(1), { axis: 1, epsilon });
    }
    const [, , runningMean, runningVariance] = weights;
    const states: Record<string, Weight> = { runningMean, runningVariance };
    // The layer, with the file's weights in the place of its own.
    const scope: Scope = {
      ...node.trace.scope,
      path: node.node.layer,
      parameter: (name) => given(name === 'gamma' ? 0 : 1),
      state: (name) => declare(states[name]!),
      update: (name, next) => update(states[name]!, next),
    };
    const momentum = Math.min(1, Math.max(0, node.attributes.float('momentum', 0.9)));
    const frozen = node.trace.batchNorm === 'frozen';
    return batchNorm({ convention: 'onnx', momentum, epsilon, frozen })(x, scope);
  },
  Dropout: (node) => {
    if (node.has(2) && node.number(2) !== 0) {
      const cure = 'export the model in evaluation mode';
      throw new BnError('unsupported', `it drops values at random (training_mode); ${cure}`);
    }
    const rate = node.has(1) ? node.number(1) : node.attributes.float('ratio', 0.5);
    return dropout(rate)(node.tensor(0), node.trace.scope);
  },
  Softmax: (node) => alongAxis(node, ops.softmax),
  LogSoftmax: (node) => alongAxis(node, ops.logSoftmax),
};

/** Whether it normalizes with the statistics of the batch: by an attribute, before opset 14 by having more outputs than one. */
function usesBatch({ opset, attributes, node }: NodeContext): boolean {
  return opset < 14 ? node.outputs.slice(1).some((name) => name !== '') : attributes.int('training_mode', 0) !== 0;
}

/** Before opset 13, all axes from `axis` on were one. */
function alongAxis(node: NodeContext, operation: (x: Tensor, axis: number) => Tensor): Tensor {
  const x = node.tensor(0);
  const axis = node.axis(node.attributes.int('axis', node.opset < 13 ? 1 : -1), x.shape);
  if (node.opset >= 13 || axis === x.shape.length - 1) return operation(x, axis);
  if (axis === 0 && x.shape.includes(null)) throw node.unsupported('axis 0, which joins the batch with other axes');
  const joined = ops.reshape(x, [...x.shape.slice(0, axis), sizeOf(x.shape.slice(axis))]);
  return ops.reshape(operation(joined, axis), x.shape);
}
