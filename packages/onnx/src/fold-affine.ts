// Folds what scales and shifts each channel, as batch normalization does in prediction, into the convolution or matrix
// product before it: (w · x + b) · scale + shift = (w · scale) · x + (b · scale + shift).

import { type Graph, type HostTensor, input, isOp, ops, replaceNodes, type Tensor } from '@bn/core';
import { createEvaluator, type HostArray } from './evaluate-constant.js';
import { countUsers } from './lowering.js';

/** A graph, and the values of those inputs that are parameters and states. */
export interface GraphWithValues {
  readonly graph: Graph;
  readonly values: ReadonlyMap<string, HostTensor>;
}

type Product = Tensor<'conv2d'> | Tensor<'matmul'>;

/** product · scale + shift, with one scale and shift per channel (axis 1). */
interface Affine {
  readonly product: Product;
  readonly scale: Float64Array;
  readonly shift: Float64Array;
  /** Names of the parameters and states that nothing but scale and shift is made of. */
  readonly names: readonly string[];
}

/**
 * The same function with fewer nodes. Weights keep their names and get other values, biases are named `<layer>.bias`.
 * What cannot be folded stays: a product with several users, a weight that two layers share.
 */
export function foldAffine({ graph, values }: GraphWithValues): GraphWithValues {
  const evaluate = createEvaluator(values);
  const users = countUsers(graph);
  const chains = new Map<Tensor, Affine>();
  for (const node of graph.nodes) {
    const affine = affineOf(node, chains, users, evaluate);
    if (affine) chains.set(node, affine);
  }
  const folded = new Map(values);
  const result = replaceNodes(graph, (node, original) => {
    const chain = chains.get(original);
    const isLast = chain && original !== chain.product && !extended(original, graph, chains);
    return isLast ? product(chain, folded, graph) : node;
  });
  return { graph: result, values: new Map([...folded].filter(([name]) => result.inputs.has(name))) };
}

/** What `node` is of a product that may be changed; undefined if it is more than a scale and a shift of one. */
function affineOf(
  node: Tensor,
  chains: ReadonlyMap<Tensor, Affine>,
  users: ReadonlyMap<Tensor, number>,
  evaluate: (x: Tensor) => HostArray | undefined,
): Affine | undefined {
  if (isProduct(node)) return startOf(node, users, evaluate);
  const at = node.inputs.findIndex((x) => chains.has(x) && users.get(x) === 1);
  const before = chains.get(node.inputs[at]!);
  if (!before || node.shape.length !== before.product.shape.length) return undefined;
  const others = node.inputs.filter((_, i) => i !== at);
  const step = stepOf(node, at, others.map(evaluate), before.scale.length);
  return step && { ...then(before, step), names: [...before.names, ...others.flatMap((x) => ownInputs(x, users))] };
}

interface Step {
  readonly factor: Float64Array;
  readonly addend: Float64Array;
}

/** What an operation does to its input number `at`, given the values of the others. */
function stepOf(node: Tensor, at: number, others: (HostArray | undefined)[], channels: number): Step | undefined {
  if (isOp(node, 'batchNormalize')) {
    const [mean, variance, gamma, beta] = others;
    if (at !== 0 || node.attributes.axis !== 1 || !mean || !variance || !gamma || !beta) return undefined;
    const factor = gamma.data.map((g, i) => g / Math.sqrt(variance.data[i]! + node.attributes.epsilon));
    return { factor, addend: factor.map((v, i) => beta.data[i]! - mean.data[i]! * v) };
  }
  const operand = others[0] && perChannel(others[0], channels, node.shape.length);
  if (!operand) return undefined;
  const [zeros, ones] = [new Float64Array(channels), new Float64Array(channels).fill(1)];
  const negative = (values: Float64Array) => values.map((v) => -v);
  if (node.op === 'add') return { factor: ones, addend: operand };
  if (node.op === 'mul') return { factor: operand, addend: zeros };
  if (node.op === 'div' && at === 0) return { factor: operand.map((v) => 1 / v), addend: zeros };
  if (node.op !== 'sub') return undefined;
  return at === 0 ? { factor: ones, addend: negative(operand) } : { factor: negative(ones), addend: operand };
}

/** Names of the inputs that x, and nothing else, depends on. */
function ownInputs(x: Tensor, users: ReadonlyMap<Tensor, number>): string[] {
  if (users.get(x) !== 1) return [];
  return isOp(x, 'input') ? [x.attributes.name] : x.inputs.flatMap((y) => ownInputs(y, users));
}

function isProduct(node: Tensor): node is Product {
  return isOp(node, 'conv2d') || isOp(node, 'matmul');
}

/** A product whose weight is a parameter that nothing else uses. */
function startOf(
  node: Product,
  users: ReadonlyMap<Tensor, number>,
  evaluate: (x: Tensor) => HostArray | undefined,
): Affine | undefined {
  const weight = node.inputs[1]!;
  const channels = node.shape[1];
  const isMatrix = isOp(node, 'conv2d') || node.shape.length === 2;
  if (!isMatrix || channels == null || !isOp(weight, 'input') || users.get(weight) !== 1 || !evaluate(weight))
    return undefined;
  return { product: node, scale: new Float64Array(channels).fill(1), shift: new Float64Array(channels), names: [] };
}

function then({ product, scale, shift }: Affine, { factor, addend }: Step): Omit<Affine, 'names'> {
  return {
    product,
    scale: scale.map((v, i) => v * factor[i]!),
    shift: shift.map((v, i) => v * factor[i]! + addend[i]!),
  };
}

/** One number per channel from an array that broadcasts along all axes but axis 1 of something of rank `rank`. */
function perChannel({ shape, data }: HostArray, channels: number, rank: number): Float64Array | undefined {
  const aligned = [...Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape];
  if (aligned.length !== rank || aligned.some((n, axis) => n !== 1 && !(axis === 1 && n === channels)))
    return undefined;
  return data.length === 1 ? new Float64Array(channels).fill(data[0]!) : data;
}

/** Whether the chain goes on behind `node`. */
function extended(node: Tensor, graph: Graph, chains: ReadonlyMap<Tensor, Affine>): boolean {
  const { product } = chains.get(node)!;
  return graph.nodes.some((user) => user.inputs.includes(node) && chains.get(user)?.product === product);
}

/** The product with scaled weights and one bias. */
function product(chain: Affine, values: Map<string, HostTensor>, graph: Graph): Tensor {
  const { product: node, scale, shift, names } = chain;
  const weight = node.inputs[1] as Tensor<'input'>;
  const { name } = weight.attributes;
  const { shape, data } = values.get(name)!;
  // The output channel is the first axis, but for a matrix that is not transposed.
  const isLastAxis = isOp(node, 'matmul') && !node.attributes.transposeB;
  const channel = (i: number) => (isLastAxis ? i % scale.length : Math.floor(i / (data.length / scale.length)));
  values.set(name, { shape, data: data.map((v, i) => v * scale[channel(i)]!) });
  const layer = name.includes('.') ? name.slice(0, name.lastIndexOf('.') + 1) : '';
  const bias = freeName(`${layer}bias`, names, (other) => graph.inputs.has(other) || values.has(other));
  values.set(bias, { shape: [shift.length], data: Float32Array.from(shift) });
  const b = input(bias, [shift.length]);
  return ops.add(node, isOp(node, 'conv2d') ? ops.reshape(b, [1, shift.length, 1, 1]) : b);
}

/** `wanted`, unless something else than a bias that is folded too has that name. */
function freeName(wanted: string, folded: readonly string[], isTaken: (name: string) => boolean): string {
  let name = wanted;
  for (let i = 2; isTaken(name) && !folded.includes(name); i++) name = `${wanted}_${i}`;
  return name;
}
