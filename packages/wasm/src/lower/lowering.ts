// From a graph of primitives to loop nests. Starts at the outputs; what is not stored is computed inside the nest that
// needs it, so that chains of elementwise operations and views never touch memory.

import { type Graph, isOp, operandsFirst, type Tensor } from '@bn/core';
import type { LaneAxes } from '../analysis/lane-axes.js';
import type { Storage } from '../analysis/storage.js';
import { type Buffer, type Expression, elementBytes, type Nest, temporary } from '../ir/nest.js';
import { formOf, isLeaf, ruleOf } from '../rules/table.js';
import { NestBuilder, type Surroundings } from './nest-builder.js';

export interface Lowered {
  /** In an order in which they can run. */
  readonly nests: readonly Nest[];
  /** By argument number: inputs, then outputs. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export function lower(graph: Graph, lanes: LaneAxes, storage: Storage): Lowered {
  const lowering = new GraphLowering(graph, lanes, storage);
  const done = new Set<Tensor>();
  for (const [name, node] of graph.outputs) {
    // What is stored comes first, so that nests are not made within nests as deep as the graph is.
    for (const operand of operandsFirst(node, (x) => done.has(x))) {
      if (operand !== node) lowering.fill(operand);
      done.add(operand);
    }
    lowering.output(name);
  }
  return { nests: lowering.nests, inputs: [...graph.inputs.keys()], outputs: [...graph.outputs.keys()] };
}

class GraphLowering implements Surroundings {
  readonly nests: Nest[] = [];
  readonly #graph: Graph;
  readonly #lanes: LaneAxes;
  readonly #storage: Storage;
  readonly #arguments = new Map<string, number>();
  readonly #buffers = new Map<Tensor, Buffer>();
  /** Nodes whose nests are made, or being made. */
  readonly #filled = new Set<Tensor>();
  readonly #numbers = new Map<Tensor, number>();

  constructor(graph: Graph, lanes: LaneAxes, storage: Storage) {
    this.#graph = graph;
    this.#lanes = lanes;
    this.#storage = storage;
    for (const name of graph.inputs.keys()) this.#arguments.set(`in ${name}`, this.#arguments.size);
    for (const name of graph.outputs.keys()) this.#arguments.set(`out ${name}`, this.#arguments.size);
    for (const node of graph.nodes) this.#numbers.set(node, this.#numbers.size);
  }

  /** Makes nests that leave a node in memory, if it is to be there. */
  fill(node: Tensor): void {
    if (!isLeaf(node) && this.#storage.stored.has(node) && this.#holderOf(node) === node) this.memoryOf(node);
  }

  /** Makes nests that leave a graph output in its argument. */
  output(name: string): void {
    const node = this.#graph.outputs.get(name)!;
    const target = this.#argument(`out ${name}`, node);
    if (!this.#buffers.has(node) && !isLeaf(node)) {
      this.#buffers.set(node, target);
      this.#filled.add(node);
      this.#fill(node, target);
    } else {
      const builder = new NestBuilder(this, [node]);
      const copy = builder.over('copy', node, target, (indices) => element(builder.at(node, indices)));
      this.nests.push(copy);
    }
  }

  memoryOf(node: Tensor): Buffer {
    const holder = this.#holderOf(node);
    const buffer = this.#bufferOf(holder);
    if (!isLeaf(holder) && !this.#filled.has(holder)) {
      this.#filled.add(holder);
      this.#fill(holder, buffer);
    }
    return buffer;
  }

  isWithin(node: Tensor, host: Tensor): boolean {
    return this.#storage.within.get(node)?.host === host;
  }

  #bufferOf(holder: Tensor): Buffer {
    const known = this.#buffers.get(holder);
    if (known) return known;
    let buffer: Buffer;
    if (isOp(holder, 'input')) buffer = this.#inputBuffer(holder);
    else if (isOp(holder, 'constant')) {
      buffer = { ...this.#internal(holder), source: { constant: holder.attributes.data } };
    } else {
      buffer = this.#internal(holder);
      const place = this.#storage.within.get(holder);
      if (place) buffer = { ...buffer, within: { buffer: this.#bufferOf(place.host), shift: place.shift } };
    }
    this.#buffers.set(holder, buffer);
    return buffer;
  }

  argumentOf(node: Tensor<'input'>): Buffer {
    return this.#argument(`in ${node.attributes.name}`, node);
  }

  isStored(node: Tensor): boolean {
    return isLeaf(node) || this.#buffers.has(node) || this.#storage.stored.has(node);
  }

  laneAxis(node: Tensor): number | null {
    return this.#lanes.get(node) ?? null;
  }

  /** The node in whose memory a stored node's elements are: of a row-major reshape, that of its operand. */
  #holderOf(node: Tensor): Tensor {
    const { inLanes, channelsLast } = this.#storage;
    const isRowMajor = (x: Tensor) => !inLanes.has(x) && !channelsLast.has(x);
    if (!isOp(node, 'reshape') || this.#buffers.has(node) || !isRowMajor(node)) return node;
    const x = this.#holderOf(node.inputs[0]);
    return this.isStored(x) && isRowMajor(x) ? x : node;
  }

  /** An input's argument, or a copy of it in lanes. */
  #inputBuffer(node: Tensor<'input'>): Buffer {
    if (!this.#storage.inLanes.has(node)) return this.argumentOf(node);
    const copy = this.#internal(node);
    const builder = new NestBuilder(this, [node]);
    this.nests.push(builder.over('pack', node, copy, (indices) => element(builder.readAlongLanes(node, indices))));
    return copy;
  }

  #internal(node: Tensor): Buffer {
    const laneAxis = this.#storage.inLanes.has(node) ? this.laneAxis(node) : null;
    const buffer = temporary(`%${this.#numbers.get(node)}`, node.shape as number[], laneAxis, node.dtype);
    return this.#storage.channelsLast.has(node) ? { ...buffer, isChannelsLast: true } : buffer;
  }

  #argument(name: string, { dtype, shape }: Tensor): Buffer {
    const source = { argument: this.#arguments.get(name)! };
    return { name, dtype, shape: shape as number[], laneAxis: null, source, elementBytes: elementBytes(dtype) };
  }

  /** Makes the nests that compute a node into `target`. */
  #fill(node: Tensor, target: Buffer): void {
    const rule = ruleOf(node);
    const form = formOf(node);
    const anchor = this.#storage.anchors.get(node);
    const builder = new NestBuilder(this, anchor ? [anchor, node] : [node]);
    if (form === 'nests') {
      for (const nest of rule.nests!(node as never, target, builder)) this.nests.push(builder.finish(nest));
      return;
    }
    const name = anchor ? `${anchor.op} ${node.op}` : node.op;
    const nest = builder.over(name, node, target, (indices) => {
      if (form === 'reduce') return rule.reduce!(node as never, indices, builder);
      if (anchor) return builder.anchored(node, anchor, indices);
      return element(rule.element!(node as never, indices, builder)!);
    });
    this.nests.push(nest);
  }
}

/** What a nest without a reduction computes. */
const element = (value: Expression) => ({ value, inner: [], reduction: null });
