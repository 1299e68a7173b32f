// Products whose factors differ in size: what is equal for many elements is multiplied first, and taken out of sums;
// divisions by it become multiplications. Results differ from the graph's by rounding alone.

import { type Graph, isOp, ops, scalar, sizeOf, type Tensor } from '@bn/core';
import { isLeaf, ruleOf } from '../rules/table.js';
import { replaceNodes } from './replace-nodes.js';

/** The graph with products, quotients and sums of them in this form. */
export function factorProducts(graph: Graph): Graph {
  // Equal computations have to be one node, also those that `replaceNodes` makes.
  const factoring = new Factoring(roundedNodes(graph), storedNodes(graph));
  return replaceNodes(graph, [(node, copy) => factoring.replace(node, copy)]);
}

/** A tensor as full · factor, where `factor` has fewer elements, or as `factor` alone, stretched. */
interface Parts {
  readonly full: Tensor | null;
  readonly factor: Tensor | null;
}

class Factoring {
  readonly #rounded: ReadonlySet<Tensor>;
  readonly #stored: ReadonlySet<Tensor>;
  readonly #parts = new Map<Tensor, Parts>();
  readonly #made = new Map<string, Tensor>();

  constructor(rounded: ReadonlySet<Tensor>, stored: ReadonlySet<Tensor>) {
    this.#rounded = rounded;
    this.#stored = stored;
  }

  replace(node: Tensor, copy: Tensor): Tensor | null {
    if (node.dtype !== 'float32' || this.#rounded.has(node)) return null;
    if (isOp(copy, 'mul')) return this.#product(copy);
    if (isOp(copy, 'div')) return this.#quotient(copy);
    if (isOp(copy, 'neg')) return this.#negative(copy);
    if (isOp(copy, 'add')) return this.#addition(copy);
    // What is in memory anyway is best summed as it is.
    return isOp(copy, 'sum') && !this.#stored.has(node.inputs[0]) ? this.#sum(copy) : this.#one(copy);
  }

  /** (f·s)·(g·t) = (f·g)·(s·t) */
  #product(node: Tensor<'mul'>): Tensor {
    const [a, b] = node.inputs.map((x) => this.#partsOf(x, node));
    const factor = a.factor && b.factor ? this.#one(ops.mul(a.factor, b.factor)) : (a.factor ?? b.factor);
    if (a.full && b.full) {
      const copy = this.#one(node);
      return factor ? this.#note(copy, { full: this.#one(ops.mul(a.full, b.full)), factor }) : copy;
    }
    return this.#scaled(node, a.full ?? b.full, factor);
  }

  /** (f·s) / t = f·(s / t) */
  #quotient(node: Tensor<'div'>): Tensor {
    const [a, b] = node.inputs.map((x) => this.#partsOf(x, node));
    if (b.full || !b.factor) return this.#one(node);
    return this.#scaled(node, a.full, this.#one(ops.div(a.factor ?? scalar(1), b.factor)));
  }

  /** −(f·s) = f·(−s) */
  #negative(node: Tensor<'neg'>): Tensor {
    const { full, factor } = this.#partsOf(node.inputs[0], node);
    if (factor) return this.#scaled(node, full, this.#one(ops.neg(factor)));
    return full ? this.#note(this.#one(node), { full, factor: scalar(-1) }) : this.#one(node);
  }

  /** f·s + f·t = f·(s + t) */
  #addition(node: Tensor<'add'>): Tensor {
    const [a, b] = node.inputs.map((x) => this.#partsOf(x, node));
    if (!a.full || a.full !== b.full) return this.#one(node);
    return this.#scaled(node, a.full, this.#one(ops.add(a.factor ?? scalar(1), b.factor ?? scalar(1))));
  }

  /** Σ f·s = s·Σ f, where s is equal along the axes of the sum */
  #sum(node: Tensor<'sum'>): Tensor {
    const [x] = node.inputs;
    const { axes, keepDims } = node.attributes;
    const { full, factor } = this.#partsOf(x, x);
    const added = x.shape.length - (factor?.shape.length ?? 0);
    if (!full || !factor || axes.some((axis) => axis >= added && factor.shape[axis - added] !== 1))
      return this.#one(node);
    const sum = this.#one(ops.sum(full, axes, { keepDims }));
    const aligned = [...new Array<number>(added).fill(1), ...(factor.shape as number[])];
    const kept = aligned.filter((_, axis) => keepDims || !axes.includes(axis));
    return this.#one(ops.mul(sum, this.#one(ops.reshape(factor, kept))));
  }

  /** What takes the place of `node` = full · factor; `node` itself where that is no such product. */
  #scaled(node: Tensor, full: Tensor | null, factor: Tensor | null): Tensor {
    if (!full || !factor || sizeOf(factor.shape) >= sizeOf(node.shape)) return this.#one(node);
    return this.#note(this.#one(ops.mul(full, factor)), { full, factor });
  }

  #note(node: Tensor, parts: Parts): Tensor {
    if (sizeOf(parts.factor!.shape) < sizeOf(node.shape)) this.#parts.set(node, parts);
    return node;
  }

  /** The parts of an operand of `user`. */
  #partsOf(x: Tensor, user: Tensor): Parts {
    if (isOp(x, 'broadcastTo')) return { full: null, factor: x.inputs[0] };
    if (!hasShape(x, user)) return { full: null, factor: x };
    return this.#parts.get(x) ?? { full: x, factor: null };
  }

  /** The one node for all that compute the same. */
  #one(node: Tensor): Tensor {
    const known = this.#made.get(node.key);
    if (known) return known;
    this.#made.set(node.key, node);
    return node;
  }
}

function hasShape(x: Tensor, { shape }: Tensor): boolean {
  return x.shape.join() === shape.join();
}

/** Operands of what reads memory. */
function storedNodes({ nodes }: Graph): Set<Tensor> {
  const operations = nodes.filter((node) => !isLeaf(node));
  return new Set(
    operations.flatMap((node) => node.inputs.filter((_, i) => ruleOf(node).readsMemory(node as never, i))),
  );
}

/** Nodes whose last bits can decide about more. */
function roundedNodes({ nodes }: Graph): Set<Tensor> {
  const rounded = new Set<Tensor>();
  for (const node of [...nodes].reverse()) {
    if (isLeaf(node)) continue;
    const rounding = ruleOf(node).rounding(node as never);
    const decides = rounding === 'results' || (rounding === 'as users do' && rounded.has(node));
    if (decides) for (const x of node.inputs) rounded.add(x);
  }
  return rounded;
}
