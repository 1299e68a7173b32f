// Sums that are zero whatever is summed. The gradient of a bias before batch normalization is one: what is added to a
// whole channel does not change the normalized values, so the gradients of a channel add up to zero.
//
// That is found, not known: a sum is linear, so it is written as a linear form, Σ cᵢ·(factors)ᵢ·Σ atomᵢ, by
//   Σ (a ± b) = Σ a ± Σ b,   Σ k·a = k·Σ a where k is equal along the summed axes,   Σ (Σ a) = N·Σ a,
// and vanishes if every coefficient does. So batch normalization from scratch has it too, in whatever form it is written.

import { type Graph, replaceNodes } from '../graph.js';
import { fill } from '../ops/composed.js';
import { type Shape, sameShape } from '../spec.js';
import { isOp, type OperationName, type Tensor } from '../tensor.js';
import { numberOf } from './numbers.js';

/**
 * The graph with zeros for sums that vanish. A value in them that is not finite would have made NaN of the sum: only
 * those are replaced whose operand makes another output not finite in that case.
 */
export function removeVanishingSums(graph: Graph): Graph {
  const vanishing = new Set(graph.nodes.filter((node) => isOp(node, 'sum') && vanishes(node)));
  if (vanishing.size === 0) return graph;
  const shown = shownNodes(graph, vanishing);
  return replaceNodes(graph, (node, original) =>
    vanishing.has(original) && shown.has(original.inputs[0]!) ? fill(node.shape, 0) : node,
  );
}

/** Nodes of which a value that is not finite makes an output not finite, without the sums that may go. */
function shownNodes(graph: Graph, vanishing: ReadonlySet<Tensor>): ReadonlySet<Tensor> {
  const shown = new Set(graph.outputs.values());
  for (const node of [...graph.nodes].reverse()) {
    if (!shown.has(node) || vanishing.has(node)) continue;
    for (const x of handedOn(node)) shown.add(x);
  }
  return shown;
}

/** Operations whose result is not finite if any element of any input is not: ∞ − ∞ and 0 · ∞ are NaN. */
const handingOn: ReadonlySet<string> = new Set<OperationName>([
  'add',
  'sub',
  'mul',
  'neg',
  'sum',
  'reshape',
  'transpose',
  'broadcastTo',
  'matmul',
]);

function handedOn(node: Tensor): readonly Tensor[] {
  if (node.dtype !== 'float32') return [];
  if (isOp(node, 'div')) return node.inputs.slice(0, 1);
  if (isOp(node, 'conv2dFilterGradient')) {
    // No window lies in the padding alone: each element of dy meets an image.
    const { kernelSize, padding, dilation } = node.attributes;
    const meets = padding.every((n, i) => n < kernelSize[i % 2]!) && dilation.every((n) => n === 1);
    return meets ? node.inputs.slice(1) : [];
  }
  return handingOn.has(node.op) ? node.inputs : [];
}

/** Of the largest contribution to a coefficient: below is rounding of the numbers in the graph, such as N · (1/N) − 1. */
const rounding = 1e-12;
/** Steps before the search for a linear form is given up; batch normalization takes a few dozen. */
const mostSteps = 500;

function vanishes(node: Tensor<'sum'>): boolean {
  const [x] = node.inputs as [Tensor];
  if (node.dtype !== 'float32' || x.shape.includes(null)) return false;
  const form = new LinearForm(x.shape, node.attributes.axes);
  return form.add(x, { number: 1, tensors: [] }) && form.isZero;
}

/** A product of a number and tensors, by what tells them apart. */
interface Factor {
  readonly number: number;
  readonly tensors: readonly string[];
}

/** A sum over `axes` of tensors that broadcast to `shape`. */
class LinearForm {
  readonly #shape: Shape;
  readonly #axes: readonly number[];
  /** Elements in one sum. */
  readonly #count: number;
  /** By what is multiplied and summed. */
  readonly #coefficients = new Map<string, { value: number; largest: number }>();
  readonly #names = new Map<Tensor, string>();
  #steps = 0;

  constructor(shape: Shape, axes: readonly number[]) {
    this.#shape = shape;
    this.#axes = axes;
    this.#count = axes.reduce((count, axis) => count * shape[axis]!, 1);
  }

  get isZero(): boolean {
    return [...this.#coefficients.values()].every(({ value, largest }) => Math.abs(value) <= rounding * largest);
  }

  /** Adds Σ factor · x; false if that takes too long. */
  add(x: Tensor, factor: Factor): boolean {
    if (++this.#steps > mostSteps) return false;
    const [a, b] = x.inputs as [Tensor, Tensor];
    const times = (k: Tensor) => product(factor, this.#factorOf(k));
    if (isOp(x, 'add')) return this.add(a, factor) && this.add(b, factor);
    if (isOp(x, 'sub')) return this.add(a, factor) && this.add(b, scaled(factor, -1));
    if (isOp(x, 'neg')) return this.add(a, scaled(factor, -1));
    if (isOp(x, 'broadcastTo')) return this.add(a, factor);
    if (isOp(x, 'mul') && this.#isFactor(b) && numberOf(a) === undefined) return this.add(a, times(b));
    if (isOp(x, 'mul') && this.#isFactor(a)) return this.add(b, times(a));
    if (isOp(x, 'div') && this.#isFactor(b)) return this.add(a, product(factor, inverse(this.#factorOf(b))));
    if (isOp(x, 'sum') && this.#isSameSum(x)) return this.add(a, scaled(factor, this.#count));
    this.#addTerm([...factor.tensors, this.#nameOf(x)].sort().join(), factor.number);
    return true;
  }

  #addTerm(term: string, number: number): void {
    const { value, largest } = this.#coefficients.get(term) ?? { value: 0, largest: 0 };
    this.#coefficients.set(term, { value: value + number, largest: Math.max(largest, Math.abs(number)) });
  }

  /** Equal along the summed axes. */
  #isFactor(x: Tensor): boolean {
    const added = this.#shape.length - x.shape.length;
    return this.#axes.every((axis) => axis < added || x.shape[axis - added] === 1);
  }

  #factorOf(k: Tensor): Factor {
    const number = numberOf(k);
    const [a, b] = k.inputs as [Tensor, Tensor];
    if (number !== undefined) return { number, tensors: [] };
    if (++this.#steps > mostSteps) return { number: 1, tensors: [this.#nameOf(k)] };
    if (isOp(k, 'mul')) return product(this.#factorOf(a), this.#factorOf(b));
    if (isOp(k, 'div')) return product(this.#factorOf(a), inverse(this.#factorOf(b)));
    if (isOp(k, 'neg')) return scaled(this.#factorOf(a), -1);
    return { number: 1, tensors: [this.#nameOf(k)] };
  }

  /** A sum like this one, whose result broadcasts along the axes it went over. */
  #isSameSum({ inputs: [x], attributes: { axes, keepDims } }: Tensor<'sum'>): boolean {
    const broadcasts = keepDims || axes.every((axis, i) => axis === i);
    return broadcasts && sameShape(x!.shape, this.#shape) && sameShape(axes, this.#axes);
  }

  #nameOf(x: Tensor): string {
    const name = this.#names.get(x) ?? `%${this.#names.size}`;
    this.#names.set(x, name);
    return name;
  }
}

function product(a: Factor, b: Factor): Factor {
  return { number: a.number * b.number, tensors: [...a.tensors, ...b.tensors] };
}

function scaled({ number, tensors }: Factor, by: number): Factor {
  return { number: number * by, tensors };
}

function inverse({ number, tensors }: Factor): Factor {
  return { number: 1 / number, tensors: tensors.map((name) => (name.startsWith('/') ? name.slice(1) : `/${name}`)) };
}
