// Batch normalization, dropout, softmax.

import { BnError, batchNorm, constant, dropout, ops, type Scope, sizeOf, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';
import type { Weight } from '../weights.js';
import { abs } from './activations.js';

export const normalization: ImportRules = {
  BatchNormalization: (node) => {
    if (node.attributes.int('spatial', 1) === 0) throw node.unsupported('spatial = 0');
    const epsilon = node.attributes.float('epsilon', 1e-5);
    const momentum = Math.min(1, Math.max(0, node.attributes.float('momentum', 0.9)));
    const weights = node.trace.batchNormWeights(node.node);
    const x = node.tensor(0);
    const { declare, update } = node.trace;
    const given = (i: 0 | 1 | 2 | 3) => (weights?.[i] ? declare(weights[i]) : node.tensor(i + 1));
    if (!weights || usesBatch(node)) {
      const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
      const [mean, variance] = usesBatch(node) ? [ops.mean(x, axes), ops.variance(x, axes)] : [given(2), given(3)];
      const y = ops.batchNormalize(x, mean, variance, given(0), given(1), { axis: 1, epsilon });
      if (node.opset < 14 || node.node.outputs.length === 1) return y;
      const followed = ([old, next]: readonly [Tensor, Tensor]) =>
        ops.add(ops.mul(old, momentum), ops.mul(next, 1 - momentum));
      return [y, followed([given(2), mean]), followed([given(3), variance])];
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
    const frozen = node.trace.batchNorm === 'frozen';
    return batchNorm({ convention: 'onnx', momentum, epsilon, frozen })(x, scope);
  },
  Dropout: (node) => {
    const rate = node.has(1) ? node.number(1) : node.attributes.float('ratio', 0.5);
    if (node.has(2) && node.number(2) !== 0 && rate !== 0) {
      const cure = 'export the model in evaluation mode';
      throw new BnError('unsupported', `it drops values at random (training_mode); ${cure}`);
    }
    const x = node.tensor(0);
    const y = dropout(rate)(x, node.trace.scope);
    // The mask of what is kept: in prediction all.
    return node.node.outputs.length === 1
      ? y
      : [
          y,
          ops.broadcastTo(
            constant(
              [1],
              x.shape.map(() => 1),
              'bool',
            ),
            x.shape,
          ),
        ];
  },
  LayerNormalization: (node) => {
    const x = node.tensor(0);
    const axis = node.axis(node.attributes.int('axis', -1), x.shape);
    const axes = x.shape.flatMap((_, i) => (i >= axis ? [i] : []));
    const { standard, mean, deviation } = standardize(x, axes, node.attributes.float('epsilon', 1e-5));
    const y = ops.mul(standard, node.tensor(1));
    return [node.has(2) ? ops.add(y, node.tensor(2)) : y, mean, ops.div(1, deviation)];
  },
  RMSNormalization: (node) => {
    const x = node.tensor(0);
    const axis = node.axis(node.attributes.int('axis', -1), x.shape);
    const axes = x.shape.flatMap((_, i) => (i >= axis ? [i] : []));
    const square = ops.mean(ops.square(x), axes, { keepDims: true });
    const size = ops.sqrt(ops.add(square, node.attributes.float('epsilon', 1e-5)));
    return ops.mul(ops.div(x, size), node.tensor(1));
  },
  InstanceNormalization: (node) => {
    const x = node.tensor(0);
    const axes = x.shape.flatMap((_, i) => (i >= 2 ? [i] : []));
    return affine(standardized(x, axes, node.attributes.float('epsilon', 1e-5)), node.tensor(1), node.tensor(2));
  },
  GroupNormalization: (node) => {
    const x = node.tensor(0);
    if (node.opset < 21) throw node.unsupported('a scale for each group, as before opset 21,');
    const groups = node.attributes.int('num_groups', 0);
    const [batch, channels, ...rest] = x.shape as [number | null, number, ...number[]];
    if (!(groups >= 1) || channels % groups !== 0) throw damaged(`${channels} channels make no ${groups} groups`);
    const grouped = ops.reshape(x, [batch, groups, channels / groups, ...rest]);
    const axes = grouped.shape.flatMap((_, i) => (i >= 2 ? [i] : []));
    const y = standardized(grouped, axes, node.attributes.float('epsilon', 1e-5));
    return affine(ops.reshape(y, x.shape), node.tensor(1), node.tensor(2));
  },
  LRN: (node) => {
    const x = node.tensor(0);
    const { attributes } = node;
    const [size, channels] = [attributes.int('size', 0), x.shape[1]!];
    if (!(size >= 1 && size < 2 ** 16)) throw damaged(`its size is ${size}`);
    const around = (at: readonly number[]) => x.shape.map((_, i) => (i === 1 ? at[0]! : 0));
    const squares = ops.pad(ops.square(x), around([Math.floor((size - 1) / 2)]), around([Math.ceil((size - 1) / 2)]));
    const sum = Array.from({ length: size }, (_, k) =>
      ops.slice(
        squares,
        x.shape.map((_, i) => (i === 1 ? k : 0)),
        x.shape.map((n, i) => (i === 1 ? k + channels : n)),
      ),
    ).reduce((a, b) => ops.add(a, b));
    const base = ops.add(ops.mul(sum, attributes.float('alpha', 1e-4) / size), attributes.float('bias', 1));
    return ops.mul(x, ops.exp(ops.mul(ops.log(base), -attributes.float('beta', 0.75))));
  },
  LpNormalization: (node) => {
    const x = node.tensor(0);
    const axis = [node.axis(node.attributes.int('axis', -1), x.shape)];
    const p = node.attributes.int('p', 2);
    if (p !== 1 && p !== 2) throw damaged(`its p is ${p}`);
    const keep = { keepDims: true };
    const norm = p === 1 ? ops.sum(abs(x), axis, keep) : ops.sqrt(ops.sum(ops.square(x), axis, keep));
    return ops.div(x, ops.where(ops.equal(norm, 0), 1, norm));
  },
  MeanVarianceNormalization: (node) => {
    const x = node.tensor(0);
    return standardized(x, node.attributes.ints('axes')?.map((axis) => node.axis(axis, x.shape)) ?? [0, 2, 3], 1e-18);
  },
  Softmax: (node) => alongAxis(node, ops.softmax),
  LogSoftmax: (node) => alongAxis(node, ops.logSoftmax),
};

/** x with mean 0 and variance 1 along axes, and what was taken off and divided by. */
function standardize(x: Tensor, axes: readonly number[], epsilon: number) {
  const mean = ops.mean(x, axes, { keepDims: true });
  const centred = ops.sub(x, mean);
  const deviation = ops.sqrt(ops.add(ops.mean(ops.square(centred), axes, { keepDims: true }), epsilon));
  return { standard: ops.div(centred, deviation), mean, deviation };
}

function standardized(x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  return standardize(x, axes, epsilon).standard;
}

/** x · scale + bias, of which there is one for each entry of axis 1. */
function affine(x: Tensor, scale: Tensor, bias: Tensor): Tensor {
  const shape = x.shape.map((n, i) => (i === 1 ? n : 1));
  return ops.add(ops.mul(x, ops.reshape(scale, shape)), ops.reshape(bias, shape));
}

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
