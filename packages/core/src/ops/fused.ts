// Fused operations: compositions that runtimes often have as one kernel. Each carries its decomposition into
// primitives; a backend may implement it and need not.

import { apply, type Definition, type None, type Operands, requireDType } from '../primitive.js';
import { formatShape } from '../spec.js';
import { isOp, type OperationAttributes, shapeError, type Tensor, withOrigin } from '../tensor.js';
import { add, div, exp, log, maximum, mul, sqrt, sub } from './elementwise.js';
import { max, normalizeAxes, sum } from './reduction.js';
import { reshape } from './shape.js';

export interface FusedAttributes {
  /** Inputs: x, mean, variance, gamma, beta, the last four [channels] along `axis` of x. */
  batchNormalize: { readonly axis: number; readonly epsilon: number };
  softmax: { readonly axis: number };
  logSoftmax: { readonly axis: number };
  relu: None;
}
export type FusedName = keyof FusedAttributes;

export interface FusedDefinition<Op extends FusedName> extends Definition<Op> {
  /** The same value made of primitives (and other fused operations). */
  decompose(inputs: Operands<Op>, attributes: OperationAttributes[Op]): Tensor;
}

const like = (inputs: readonly [Tensor, ...Tensor[]], _: unknown, op: string) => ({
  dtype: requireDType(op, inputs, 'float32'),
  shape: inputs[0].shape,
});

export const fused: { readonly [Op in FusedName]: FusedDefinition<Op> } = {
  batchNormalize: {
    spec: (inputs, { axis }, op) => {
      const [x, ...perChannel] = inputs;
      const channels = x.shape[axis]!;
      if (perChannel.some(({ shape }) => shape.length !== 1 || shape[0] !== channels)) {
        const seen = perChannel.map((p) => formatShape(p.shape)).join(', ');
        const input = `input ${formatShape(x.shape)} with channels on axis ${axis}`;
        throw shapeError(
          op,
          `expected mean, variance, gamma and beta of shape [${channels}] for ${input}, got ${seen}`,
        );
      }
      return like(inputs, null, op);
    },
    // gamma · (x − mean) / √(variance + epsilon) + beta
    decompose: ([x, mean, variance, gamma, beta], { axis, epsilon }) => {
      const aligned = x.shape.map((n, i) => (i === axis ? n : 1));
      const scale = div(reshape(gamma, aligned), sqrt(add(reshape(variance, aligned), epsilon)));
      const centred = isZero(mean) ? x : sub(x, reshape(mean, aligned));
      return add(mul(centred, scale), reshape(beta, aligned));
    },
  },
  softmax: {
    spec: like,
    decompose: ([x], { axis }) => {
      const e = exp(sub(x, max(x, [axis], { keepDims: true })));
      return div(e, sum(e, [axis], { keepDims: true }));
    },
    // dx = y·(dy − Σ dy·y)
    gradient: (y, dy) => [mul(y, sub(dy, sum(mul(dy, y), [y.attributes.axis], { keepDims: true })))],
  },
  logSoftmax: {
    spec: like,
    decompose: ([x], { axis }) => {
      const shifted = sub(x, max(x, [axis], { keepDims: true }));
      return sub(shifted, log(sum(exp(shifted), [axis], { keepDims: true })));
    },
    // dx = dy − softmax(x)·Σ dy
    gradient: (y, dy) => [sub(dy, mul(exp(y), sum(dy, [y.attributes.axis], { keepDims: true })))],
  },
  relu: { spec: like, decompose: ([x]) => maximum(x, 0) },
};

/** The primitives that a fused node stands for. */
export function decomposeNode(node: Tensor<FusedName>, inputs: readonly Tensor[] = node.inputs): Tensor {
  return withOrigin(node.origin, () => fused[node.op].decompose(inputs as never, node.attributes as never));
}

/** Whether a mean is zero before the run, as of what is centred already. */
function isZero(x: Tensor): boolean {
  return isOp(x, 'constant') && x.attributes.data.every((v) => v === 0);
}

/** gamma · (x − mean) / √(variance + epsilon) + beta, with one mean, variance, gamma and beta per entry of `axis`. */
export function batchNormalize(
  x: Tensor,
  mean: Tensor,
  variance: Tensor,
  gamma: Tensor,
  beta: Tensor,
  { axis = 1, epsilon = 1e-5 }: { readonly axis?: number | undefined; readonly epsilon?: number | undefined } = {},
): Tensor {
  const attributes = { axis: normalizeAxes('batchNormalize', x, [axis])[0]!, epsilon };
  return apply(fused, 'batchNormalize', [x, mean, variance, gamma, beta], attributes);
}

/** exp(x) / Σ exp(x) along `axis`, without overflow. */
export function softmax(x: Tensor, axis = -1): Tensor {
  return apply(fused, 'softmax', [x], { axis: normalizeAxes('softmax', x, [axis])[0]! });
}

/** log(softmax(x)) along `axis`, without overflow. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return apply(fused, 'logSoftmax', [x], { axis: normalizeAxes('logSoftmax', x, [axis])[0]! });
}

/** max(x, 0). */
export function relu(x: Tensor): Tensor {
  return apply(fused, 'relu', [x], {});
}
