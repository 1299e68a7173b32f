// The last linear layer of a network, which gives a number for each class, and a new one in its place for other classes.

import { BnError } from './errors.js';
import { operandsFirst } from './graph.js';
import { type Initializer, zeros } from './initializers.js';
import { type Model, traceOn } from './model.js';
import { requireCount } from './options.js';
import { apply } from './primitive.js';
import { type PrimitiveName, primitives } from './primitives.js';
import { variablesIn } from './scope.js';
import { formatShape, type Shape, sizeOf } from './spec.js';
import { input, isOp, type OperationName, Tensor, withOrigin } from './tensor.js';

export interface Head {
  /** Paths of its parameters. */
  readonly weight: string;
  readonly bias: string | null;
  /** Numbers that it gives for an example. */
  readonly outputs: number;
}

/**
 * The layer that gives what the network gives: its last product with a weight, or its last convolution, if nothing comes after it
 * but a bias and what treats all classes alike, as a mean over the image.
 *
 * @throws `unsupported` where there is none, saying what is there instead
 */
export function headOf(model: Model): Head {
  const { shape, dtype } = model.input;
  const { output, parameters } = traceOn(model, { shape: [2, ...shape.slice(1)], dtype });
  const { weight, bias, outputs } = findHead(output, (path) => parameters.has(path));
  return { weight: weight.attributes.name, bias: bias?.attributes.name ?? null, outputs };
}

/**
 * The model with a new head for so many outputs under the old one's names: its weight normal with a deviation of 0.01, its
 * bias zero. A softmax or sigmoid that the network ends in is left out: losses bring their own.
 *
 * @throws `unsupported` when it is traced, as `headOf` does
 */
export function newHead(model: Model, outputs: number): Model {
  requireCount('newHead: outputs', outputs);
  return {
    ...model,
    network: (x, scope) => {
      const output = model.network(x, scope);
      const { parameters } = variablesIn(scope);
      const { weight, bias, axes, chain } = findHead(output, (path) => parameters.has(path), x);
      const replaced = new Map<Tensor, Tensor>();
      const replace = (old: Tensor<'input'>, initializer = zeros()) => {
        const path = old.attributes.name;
        const tensor = input(path, resized(old, axes, outputs));
        parameters.set(path, { tensor, shape: tensor.shape as readonly number[], initializer, use: undefined });
        replaced.set(old, tensor);
      };
      replace(weight, nearZero);
      if (bias) replace(bias);
      const result = chain.reduce((_, node) => {
        const next = rebuilt(node, replaced, axes, outputs);
        replaced.set(node, next);
        return next;
      }, output);
      for (const old of [weight, bias]) {
        if (old && operandsFirst(result).includes(old)) {
          throw refusal(`its last layer's '${old.attributes.name}' is used in other places, too`);
        }
      }
      return result;
    },
  };
}

/**
 * Larger values first have to be unlearned, which takes most of the few steps that a new head gets. Zeros would never be learned before
 * a ReLU, whose gradient is zero there.
 */
const nearZero: Initializer = (shape, random) =>
  Float32Array.from({ length: sizeOf(shape) }, () => 0.01 * random.normal());

interface Found {
  readonly weight: Tensor<'input'>;
  readonly bias: Tensor<'input'> | null;
  readonly outputs: number;
  /** The axis of the classes, in everything that has one. */
  readonly axes: ReadonlyMap<Tensor, number>;
  /** What is computed from weight and bias on the way to the output, in this order. */
  readonly chain: readonly Tensor[];
}

/** Operations that treat all classes alike. */
const alike: ReadonlySet<OperationName> = new Set<OperationName>([
  ...(['reshape', 'transpose', 'broadcastTo', 'sum', 'max', 'slice', 'cast', 'neg', 'exp', 'log', 'sqrt'] as const),
  ...(['tanh', 'sigmoid', 'relu', 'add', 'sub', 'mul', 'div', 'maximum', 'minimum'] as const),
]);

/** @param x what the network was given; by default any input that is not a parameter */
function findHead(output: Tensor, isParameter: (path: string) => boolean, x?: Tensor): Found {
  const moving = new Set<Tensor>();
  for (const node of operandsFirst(output)) {
    const isData = x ? node === x : isOp(node, 'input') && node.attributes.name === 'features';
    if (isData || node.inputs.some((y) => moving.has(y))) moving.add(node);
  }
  const axes = new Map<Tensor, number>();
  const chain: Tensor[] = [];
  const after: Tensor[] = [];
  let node = withoutActivation(output);
  while (!isOp(node, 'matmul') && !isOp(node, 'conv2d')) {
    const from = node.inputs.filter((y) => moving.has(y));
    if (from.length !== 1 || !alike.has(node.op) || node.customGradient) throw refusal(describe(node, from.length));
    after.unshift(node);
    node = from[0]!;
  }
  const weight = weightOf(node, moving, isParameter, axes, chain);
  chain.push(node);
  let bias: Tensor<'input'> | null = null;
  let before: Tensor = node;
  for (const next of after) {
    const axis = axisAfter(next, before, axes.get(before)!);
    if (axis === null) throw refusal(`after its last layer, ${next.op} mixes the classes`);
    for (const other of next.inputs) {
      if (other === before) continue;
      const own = axis - next.shape.length + other.shape.length;
      const found: Tensor<'input'> | null =
        bias || next.op !== 'add' || own < 0 ? null : parameterOf(other, own, isParameter, axes, chain);
      bias ??= found;
      if (found || (other.shape[own] ?? 1) === 1) continue;
      throw refusal(`after its last layer comes a ${next.op} with a value for each class that is not its bias`);
    }
    axes.set(next, axis);
    chain.push(next);
    before = next;
  }
  const outputs = before.shape[axes.get(before)!]!;
  if (before.shape.length === 2 && axes.get(before) === 1) return { weight, bias, outputs, axes, chain };
  throw refusal(`its output is ${formatShape(before.shape)} instead of [batch, classes]`);
}

function describe(node: Tensor, from: number): string {
  if (from === 0) return 'its output does not depend on its input';
  const layer = node.origin.layer === '' ? '' : ` in '${node.origin.layer}'`;
  return `its output comes from ${from === 1 ? '' : 'several values, by '}${node.op}${layer}`;
}

/** The activations that losses bring themselves. */
function withoutActivation(x: Tensor): Tensor {
  return ['softmax', 'logSoftmax', 'sigmoid'].includes(x.op) ? x.inputs[0]! : x;
}

/** The parameter that is the weight of a product or convolution. */
function weightOf(
  node: Tensor<'matmul'> | Tensor<'conv2d'>,
  moving: ReadonlySet<Tensor>,
  isParameter: (path: string) => boolean,
  axes: Map<Tensor, number>,
  chain: Tensor[],
): Tensor<'input'> {
  const i = node.inputs.findIndex((y) => !moving.has(y));
  const other = node.inputs[i];
  if (!other || (isOp(node, 'conv2d') && i === 0)) throw refusal(`its last ${node.op} is of two values of the data`);
  const rank = other.shape.length;
  let axis = 0;
  if (isOp(node, 'matmul')) {
    const { transposeA, transposeB } = node.attributes;
    axis = i === 1 ? rank - (transposeB ? 2 : 1) : rank - (transposeA ? 1 : 2);
    axes.set(node, node.shape.length - (i === 1 ? 1 : 2));
  } else {
    if ((node as Tensor<'conv2d'>).attributes.groups !== 1) throw refusal('its last layer is a convolution in groups');
    axes.set(node, 1);
  }
  const weight = parameterOf(other, axis, isParameter, axes, chain);
  if (!weight) throw refusal("its last layer's weight is not a parameter");
  return weight;
}

/** The parameter that a value is in another form, if it is one; everything in between goes on the chain. */
function parameterOf(
  x: Tensor,
  axis: number,
  isParameter: (path: string) => boolean,
  axes: Map<Tensor, number>,
  chain: Tensor[],
): Tensor<'input'> | null {
  axes.set(x, axis);
  if (isOp(x, 'input')) return isParameter(x.attributes.name) ? x : null;
  const from = x.inputs[0];
  if (!from || !['reshape', 'transpose', 'broadcastTo'].includes(x.op)) return null;
  const before = from.shape.findIndex((_, i) => axisAfter(x, from, i) === axis);
  const found = before < 0 ? null : parameterOf(from, before, isParameter, axes, chain);
  if (found) chain.push(x);
  return found;
}

/** Where an axis of x is after an operation; null if it is not there as it was. */
function axisAfter(node: Tensor, x: Tensor, axis: number): number | null {
  const size = x.shape[axis]!;
  if (isOp(node, 'transpose')) return node.attributes.permutation.indexOf(axis);
  if (isOp(node, 'reshape')) {
    const known = (shape: Shape) => sizeOf(shape.filter((n) => n !== null));
    const start = known(x.shape.slice(0, axis));
    const at = node.shape.findIndex((n, i) => n === size && known(node.shape.slice(0, i)) === start);
    return at < 0 ? null : at;
  }
  if (isOp(node, 'sum') || isOp(node, 'max')) {
    const { axes, keepDims } = node.attributes;
    if (axes.includes(axis)) return null;
    return keepDims ? axis : axis - axes.filter((i) => i < axis).length;
  }
  const after = axis + node.shape.length - x.shape.length;
  return node.shape[after] === size ? after : null;
}

/** The node with what is replaced, and another size of the axis of classes. */
function rebuilt(
  node: Tensor,
  replaced: ReadonlyMap<Tensor, Tensor>,
  axes: ReadonlyMap<Tensor, number>,
  outputs: number,
): Tensor {
  const inputs = node.inputs.map((y) => replaced.get(y) ?? y);
  const shape = resized(node, axes, outputs);
  const attributes =
    isOp(node, 'reshape') || isOp(node, 'broadcastTo')
      ? { shape }
      : isOp(node, 'slice')
        ? { ...node.attributes, end: node.attributes.end.with(axes.get(node)!, outputs) }
        : node.attributes;
  if (isOp(node, 'relu'))
    return withOrigin(node.origin, () => new Tensor('relu', inputs, {}, { shape, dtype: node.dtype }));
  return withOrigin(node.origin, () =>
    apply(primitives, node.op as PrimitiveName, inputs as never, attributes as never),
  );
}

function resized(x: Tensor, axes: ReadonlyMap<Tensor, number>, outputs: number): Shape {
  return x.shape.with(axes.get(x)!, outputs);
}

function refusal(what: string): BnError {
  const cure = 'give a network that ends in a linear layer, or in a convolution and a mean over the image';
  return new BnError('unsupported', `the network has no head that can be replaced: ${what}; ${cure}`);
}
