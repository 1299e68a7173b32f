// What an output is, as far as the operations that make it prove it: the softmax or sigmoid that it ends in, in all the
// forms that exporters write, behind whatever leaves its numbers as they are.

import { isOp, type OutputKind, ops, type Shape, type Tensor } from '@bn/core';

export interface Head {
  /** Numbers per example. */
  readonly size: number;
  /** null where nothing is proven. */
  readonly kind: Exclude<OutputKind, 'values'> | null;
  /** [batch, size], what the softmax or sigmoid is taken of; the output itself where nothing is proven. */
  readonly logits: Tensor;
  /** Nothing bends the numbers after the last layer with weights: they are neither probabilities nor scores. */
  readonly isLinear: boolean;
}

/** @returns null for what has not one line of float32 numbers per example */
export function readHead(output: Tensor): Head | null {
  const size = lineSize(output.shape);
  if (size === null || output.dtype !== 'float32') return null;
  const x = unwrapped(output);
  const is = (kind: Head['kind'], logits: Tensor, isLinear = false): Head => {
    return { size, kind, logits: ops.reshape(logits, [output.shape[0]!, size]), isLinear };
  };
  const softmax = size > 1 ? probabilitiesOf(x, size) : null;
  if (softmax) return is('probabilities', softmax);
  const normalized =
    size > 1 ? (logSoftmaxOf(x, size) ?? (isOp(x, 'log') ? softmaxOf(unwrapped(at(x, 0)), size) : null)) : null;
  // Logarithms of probabilities are logits: their softmax is the probabilities.
  if (normalized) return is('logits', output);
  const sigmoid = sigmoidOf(x);
  return sigmoid ? is('scores', sigmoid) : is(null, output, !bends(output));
}

/** What x is the softmax of, also in the form exp(log softmax). */
function probabilitiesOf(x: Tensor, size: number): Tensor | null {
  return softmaxOf(x, size) ?? (isOp(x, 'exp') ? logSoftmaxOf(at(x, 0), size) : null);
}

/** Numbers per example, if all axes but the batch and one have size 1; else null. */
function lineSize([, ...rest]: Shape): number | null {
  if (rest.includes(null)) return null;
  const sizes = (rest as number[]).filter((n) => n !== 1);
  return sizes.length > 1 || sizes[0] === 0 ? null : (sizes[0] ?? 1);
}

const moving = new Set(['reshape', 'transpose', 'sum', 'max', 'slice', 'broadcastTo']);

/** What is left without operations that keep the numbers and their order: those on axes of size 1, and wide bounds. */
function unwrapped(x: Tensor): Tensor {
  const inner = wrappedBy(x);
  return inner ? unwrapped(inner) : x;
}

function wrappedBy(x: Tensor): Tensor | null {
  const [a, b] = x.inputs;
  if (!a) return null;
  const size = lineSize(x.shape);
  const isMove = moving.has(x.op) || (isOp(x, 'gather') && a.shape[x.attributes.axis] === 1);
  // A mean over the batch, spread over it again, has the same shape too.
  const isSameLine = size !== null && lineSize(a.shape) === size && a.shape[0] === x.shape[0];
  if (isMove) return isSameLine ? a : null;
  if (!b) return null;
  const [inner, value] = numberOf(b) === null ? [b, numberOf(a)] : [a, numberOf(b)];
  if (value === null) return null;
  if (isOp(x, 'maximum')) return value <= 0.01 ? bounded(inner) : null;
  if (isOp(x, 'minimum')) return value >= 0.99 ? bounded(inner) : null;
  const isSame = (isOp(x, 'mul') && value === 1) || (isOp(x, 'add') && value === 0);
  return isSame || (isOp(x, 'div') && value === 1 && inner === a) ? inner : null;
}

/** Bounds keep probabilities and scores, and nothing else: a Relu is one too. */
function bounded(x: Tensor): Tensor | null {
  const inner = unwrapped(x);
  return probabilitiesOf(inner, lineSize(inner.shape) ?? 0) || sigmoidOf(inner) ? inner : null;
}

/** What x is the softmax of, over all numbers of an example: also exp(z) / Σ exp(z). */
function softmaxOf(x: Tensor, size: number): Tensor | null {
  if (isOp(x, 'softmax')) return x.shape[x.attributes.axis] === size && lineSize(x.shape) === size ? at(x, 0) : null;
  const [e, total] = isOp(x, 'div') ? x.inputs : isOp(x, 'mul') ? ratioOf(x) : [];
  if (!e || !total || !isOp(e, 'exp') || lineSize(x.shape) !== size) return null;
  return isSumOf(total, e, size) ? at(e, 0) : null;
}

/** The parts of a · (1 / b). */
function ratioOf({ inputs }: Tensor): readonly Tensor[] {
  const inverse = inputs.findIndex((y) => isOp(y, 'div') && numberOf(at(y, 0)) === 1);
  return inverse < 0 ? [] : [inputs[1 - inverse]!, at(inputs[inverse]!, 1)];
}

/** What x is the logarithm of the softmax of: also z − log Σ exp(z). */
function logSoftmaxOf(x: Tensor, size: number): Tensor | null {
  if (isOp(x, 'logSoftmax')) return x.shape[x.attributes.axis] === size && lineSize(x.shape) === size ? at(x, 0) : null;
  const inner = wrappedBy(x);
  if (inner) return logSoftmaxOf(inner, size);
  if (!isOp(x, 'sub')) return null;
  const [z, log] = [at(x, 0), stretched(at(x, 1))];
  if (!isOp(log, 'log')) return null;
  const total = stretched(at(log, 0));
  const e = at(total, 0);
  return isOp(total, 'sum') && isOp(e, 'exp') && at(e, 0) === z && isSumOf(total, e, size) ? z : null;
}

/** Whether x is the sum of an example's numbers of e, perhaps in another shape. */
function isSumOf(x: Tensor, e: Tensor, size: number): boolean {
  const total = stretched(x);
  return isOp(total, 'sum') && at(total, 0) === e && total.attributes.axes.some((axis) => e.shape[axis] === size);
}

function stretched(x: Tensor): Tensor {
  return isOp(x, 'broadcastTo') || isOp(x, 'reshape') ? stretched(at(x, 0)) : x;
}

/** What x is the sigmoid of: also 1 / (1 + exp(−z)). */
function sigmoidOf(x: Tensor): Tensor | null {
  if (isOp(x, 'sigmoid')) return at(x, 0);
  if (!isOp(x, 'div') || numberOf(at(x, 0)) !== 1) return null;
  const sum = at(x, 1);
  const e = isOp(sum, 'add') ? sum.inputs.find((y) => isOp(y, 'exp')) : undefined;
  if (!e || !sum.inputs.some((y) => numberOf(y) === 1)) return null;
  const negative = at(e, 0);
  if (isOp(negative, 'neg')) return at(negative, 0);
  const sign = isOp(negative, 'mul') ? negative.inputs.findIndex((y) => numberOf(y) === -1) : -1;
  return sign < 0 ? null : at(negative, 1 - sign);
}

const bending = new Set(['softmax', 'logSoftmax', 'sigmoid', 'exp', 'tanh', 'minimum', 'where']);

/** Whether an operation after the last layer with weights bounds its numbers, or may. */
function bends(output: Tensor): boolean {
  const seen = new Set([output]);
  for (const x of seen) {
    if (bending.has(x.op)) return true;
    if (!isOp(x, 'matmul') && !isOp(x, 'conv2d')) for (const y of x.inputs) seen.add(y);
  }
  return false;
}

function at(x: Tensor, i: number): Tensor {
  return x.inputs[i]!;
}

/** The value of a constant of one number; else null. */
function numberOf(x: Tensor): number | null {
  const inner = stretched(x);
  return isOp(inner, 'constant') && inner.attributes.data.length === 1 ? inner.attributes.data[0]! : null;
}
