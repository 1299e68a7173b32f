// From a graph of primitives to loop nests. Starts at the outputs; what is not stored is computed inside the nest that
// needs it, so that chains of elementwise operations and views never touch memory.

import { type DType, type Graph, isOp, type Origin, operandsFirst, type Tensor } from '@bn/core';
import type { LaneAxes } from '../analysis/lane-axes.js';
import type { Storage } from '../analysis/storage.js';
import { binary, constant } from '../ir/expressions.js';
import { Index, type Loop } from '../ir/index-form.js';
import {
  type Access,
  type Buffer,
  type Expression,
  elementBytes,
  type Guard,
  kindOf,
  type Nest,
  place,
  temporary,
} from '../ir/nest.js';
import type { Lowering, NestBody, Read, Reduction } from '../rules/rule.js';
import { formOf, isLeaf, ruleOf } from '../rules/table.js';

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

/** Asks the nest that owns `loop` to make it two: quotient and remainder. No error, since errors record the stack. */
class SplitRequest {
  readonly loop: Loop;
  readonly divisor: number;

  constructor(loop: Loop, divisor: number) {
    this.loop = loop;
    this.divisor = divisor;
  }
}

class GraphLowering implements Lowering {
  readonly nests: Nest[] = [];
  readonly #graph: Graph;
  readonly #lanes: LaneAxes;
  readonly #storage: Storage;
  readonly #arguments = new Map<string, number>();
  readonly #buffers = new Map<Tensor, Buffer>();
  readonly #numbers = new Map<Tensor, number>();
  readonly #splittable = new Set<Loop>();
  /** Loops of the nest being built that sum along one axis, by the name they were asked for; and how these are split. */
  #summing = new Map<Loop, string>();
  #splits = new Map<string, number>();
  /** The reduction that the nest being built computes first, and its result there. */
  #anchor: { readonly node: Tensor; readonly result: Expression } | null = null;
  /** Origins of what the nest being built computes, each once. */
  #origins = new Map<string, Origin>();

  constructor(graph: Graph, lanes: LaneAxes, storage: Storage) {
    this.#graph = graph;
    this.#lanes = lanes;
    this.#storage = storage;
    for (const name of graph.inputs.keys()) this.#argument(`in ${name}`);
    for (const name of graph.outputs.keys()) this.#argument(`out ${name}`);
    for (const node of graph.nodes) this.#numbers.set(node, this.#numbers.size);
  }

  /** Makes nests that leave a node in memory, if it is to be there. */
  fill(node: Tensor): void {
    if (!isLeaf(node) && this.#storage.stored.has(node) && this.#inMemory(node) === node) this.#bufferOf(node);
  }

  /** Makes nests that leave a graph output in its argument. */
  output(name: string): void {
    const node = this.#graph.outputs.get(name)!;
    const target = this.#argumentBuffer(`out ${name}`, node);
    if (!this.#buffers.has(node) && !isLeaf(node)) {
      this.#buffers.set(node, target);
      this.#fill(node, target);
    } else {
      this.#building([node], () =>
        this.#nest('copy', node, target, (indices) => ({ value: this.at(node, indices), inner: [], reduction: null })),
      );
    }
  }

  at(node: Tensor, indices: readonly Index[]): Expression {
    if (this.#anchor?.node === node) return this.#anchor.result;
    if (isOp(node, 'constant')) {
      const { data } = node.attributes;
      const first = data[0];
      if (data.every((v) => Object.is(v, first))) return constantOf(first, node.dtype);
    }
    const rule = isLeaf(node) ? null : ruleOf(node);
    if (!this.isStored(node)) {
      const computed = rule!.element!(node as never, indices, this);
      if (computed) {
        this.#note(node);
        return computed;
      }
    }
    return this.read(node, indices);
  }

  read(node: Tensor, indices: readonly Index[], guards: readonly Guard[] = []): Read {
    const buffer = this.#bufferOf(this.#inMemory(node));
    const index = placeOf({ ...buffer, shape: node.shape as number[] }, indices);
    return { op: 'read', kind: kindOf(node.dtype), access: { buffer, index, guards } };
  }

  readAlongLanes(node: Tensor, indices: readonly Index[]): Read {
    if (!isOp(node, 'input')) return this.read(node, indices);
    const argument = this.#argumentBuffer(`in ${node.attributes.name}`, node);
    return { op: 'read', kind: kindOf(node.dtype), access: this.write(argument, indices) };
  }

  readTable(data: ArrayLike<number>, shape: readonly number[], indices: readonly Index[]): Read {
    const table: Buffer = { ...temporary('table', shape), source: { constant: data } };
    return { op: 'read', kind: 'f32', access: this.write(table, indices) };
  }

  write(buffer: Buffer, indices: readonly Index[], guards: readonly Guard[] = []): Access {
    return { buffer, index: placeOf(buffer, indices), guards };
  }

  loops(shape: readonly number[], laneAxis: number | null, name: string): { loops: Loop[]; indices: Index[] } {
    const loops: Loop[] = [];
    const indices = shape.map((extent, axis) => {
      if (axis === laneAxis) return new Index(0);
      const loop = { name: `${name}${axis}`, extent };
      if (extent !== 1) loops.push(loop);
      return extent === 1 ? new Index(0) : Index.of(loop);
    });
    if (laneAxis !== null) {
      const { loops: own, index } = laneLoops(shape[laneAxis]);
      indices[laneAxis] = index;
      return { loops: [own[0], ...loops, own[1]], indices };
    }
    return { loops, indices };
  }

  axisLoops(node: Tensor, axis: number, name: string): { loops: Loop[]; index: Index } {
    if (this.laneAxis(node) === axis) return laneLoops(node.shape[axis]!);
    const { loops, indices } = this.loops([node.shape[axis]!], null, name);
    const divisor = this.#splits.get(name);
    if (divisor !== undefined) {
      const split = splitLoop(loops, indices, loops[0], divisor);
      return { loops: split.loops, index: split.indices[0] };
    }
    for (const loop of loops) this.#summing.set(loop, name);
    return { loops, index: indices[0] };
  }

  divide(index: Index, divisor: number): { quotient: Index; remainder: Index } | null {
    const parts = index.divide(divisor);
    if (parts) return parts;
    if (index.terms.length !== 1) return null;
    const [{ loop }] = index.terms;
    const splittable = this.#splittable.has(loop) || this.#summing.has(loop);
    if (splittable && loop.extent % divisor === 0) {
      throw new SplitRequest(loop, divisor);
    }
    return null;
  }

  laneAxis(node: Tensor): number | null {
    return this.#lanes.get(node) ?? null;
  }

  isStored(node: Tensor): boolean {
    return isLeaf(node) || this.#buffers.has(node) || this.#storage.stored.has(node);
  }

  temporary(name: string, shape: readonly number[], laneAxis: number | null, dtype: DType): Buffer {
    return temporary(name, shape, laneAxis, dtype);
  }

  /** The node in whose memory a stored node's elements are: of a row-major reshape, those of its operand. */
  #inMemory(node: Tensor): Tensor {
    const { inLanes } = this.#storage;
    if (!isOp(node, 'reshape') || this.#buffers.has(node) || inLanes.has(node)) return node;
    const x = this.#inMemory(node.inputs[0]);
    return this.isStored(x) && !inLanes.has(x) ? x : node;
  }

  /** The memory of a node, with nests that fill it. */
  #bufferOf(node: Tensor): Buffer {
    const known = this.#buffers.get(node);
    if (known) return known;
    let buffer: Buffer;
    if (isOp(node, 'input')) buffer = this.#inputBuffer(node);
    else if (isOp(node, 'constant')) buffer = { ...this.#internal(node), source: { constant: node.attributes.data } };
    else buffer = this.#internal(node);
    this.#buffers.set(node, buffer);
    if (!isLeaf(node)) this.#fill(node, buffer);
    return buffer;
  }

  /** An input's argument, or a copy of it in lanes. */
  #inputBuffer(node: Tensor<'input'>): Buffer {
    if (!this.#storage.inLanes.has(node)) return this.#argumentBuffer(`in ${node.attributes.name}`, node);
    const copy = this.#internal(node);
    this.#nest('pack', node, copy, (indices) => {
      return { value: this.readAlongLanes(node, indices), inner: [], reduction: null };
    });
    return copy;
  }

  #internal(node: Tensor): Buffer {
    const laneAxis = this.#storage.inLanes.has(node) ? this.laneAxis(node) : null;
    return temporary(`%${this.#numbers.get(node)}`, node.shape as number[], laneAxis, node.dtype);
  }

  #argument(name: string): number {
    const number = this.#arguments.get(name) ?? this.#arguments.size;
    this.#arguments.set(name, number);
    return number;
  }

  #argumentBuffer(name: string, { dtype, shape }: Tensor): Buffer {
    return {
      name,
      dtype,
      shape: shape as number[],
      laneAxis: null,
      source: { argument: this.#argument(name) },
      elementBytes: elementBytes(dtype),
    };
  }

  /** Makes the nests that compute a node into `target`. */
  #fill(node: Tensor, target: Buffer): void {
    const rule = ruleOf(node);
    const form = formOf(node);
    const anchor = this.#storage.anchors.get(node);
    this.#building(anchor ? [anchor, node] : [node], () => {
      if (form === 'nests') {
        for (const nest of rule.nests!(node as never, target, this)) this.#add(nest);
      } else if (form === 'reduce') {
        this.#nest(node.op, node, target, (indices) => rule.reduce!(node as never, indices, this));
      } else {
        const name = anchor ? `${anchor.op} ${node.op}` : node.op;
        this.#nest(name, node, target, (indices) =>
          anchor
            ? this.#anchored(node, anchor, indices)
            : { value: rule.element!(node as never, indices, this)!, inner: [], reduction: null },
        );
      }
    });
  }

  /** Runs `body`, which makes nests. What they read may be computed by nests with anchors and origins of their own. */
  #building(nodes: readonly Tensor[], body: () => void): void {
    const outer = { anchor: this.#anchor, origins: this.#origins };
    this.#anchor = null;
    this.#origins = new Map();
    for (const node of nodes) this.#note(node);
    body();
    this.#anchor = outer.anchor;
    this.#origins = outer.origins;
  }

  #note({ origin }: Tensor): void {
    const key = `${origin.layer} ${origin.direction}`;
    if (!this.#origins.has(key)) this.#origins.set(key, origin);
  }

  #add(nest: NestBody): void {
    this.nests.push({ ...nest, origins: [...this.#origins.values()] });
  }

  /** The reduction `anchor`, with the elementwise operations between it and `node` as its finish. */
  #anchored(node: Tensor, anchor: Tensor, indices: readonly Index[]): Reduction {
    const reduced = ruleOf(anchor).reduce!(anchor as never, indices, this);
    const result: Expression = reduced.finish ?? { op: 'reduced', kind: kindOf(anchor.dtype) };
    const outer = this.#anchor;
    this.#anchor = { node: anchor, result };
    try {
      return { ...reduced, finish: ruleOf(node).element!(node as never, indices, this)! };
    } finally {
      this.#anchor = outer;
    }
  }

  /** One nest over all elements of `node`; its loops are split where the body asks for it. */
  #nest(
    name: string,
    node: Tensor,
    target: Buffer,
    body: (indices: readonly Index[]) => Omit<Reduction, 'reduction'> & { reduction: Reduction['reduction'] | null },
  ): void {
    let { loops, indices } = this.loops(node.shape as number[], this.laneAxis(node), 'i');
    // What this nest reads may be computed by nests of their own.
    const [summing, splits] = [this.#summing, this.#splits];
    [this.#summing, this.#splits] = [new Map(), new Map()];
    for (let done = false; !done; ) {
      const splittable = loops.filter(({ kind }) => kind === undefined);
      for (const loop of splittable) this.#splittable.add(loop);
      try {
        const { inner, ...statement } = body(indices);
        const statements = [{ ...statement, target: this.write(target, indices) }];
        this.#add({ name, outer: loops, inner, statements });
        done = true;
      } catch (error) {
        if (!(error instanceof SplitRequest)) throw error;
        const { loop, divisor } = error;
        const sum = this.#summing.get(loop);
        if (sum !== undefined) this.#splits.set(sum, divisor);
        else if (loops.includes(loop)) ({ loops, indices } = splitLoop(loops, indices, loop, divisor));
        else throw error;
      } finally {
        for (const loop of splittable) this.#splittable.delete(loop);
      }
    }
    [this.#summing, this.#splits] = [summing, splits];
  }
}

function placeOf(buffer: Buffer, indices: readonly Index[]): Index {
  const index = place(buffer, indices);
  if (!index) throw new Error(`${buffer.name}: lanes are indexed by [${indices.join(', ')}]`);
  return index;
}

function splitLoop(loops: readonly Loop[], indices: readonly Index[], loop: Loop, divisor: number) {
  const outer = { name: `${loop.name}o`, extent: loop.extent / divisor };
  const inner = { name: `${loop.name}i`, extent: divisor };
  const replacement = new Map([[loop, Index.of(outer).times(divisor).plus(Index.of(inner))]]);
  return {
    loops: loops.flatMap((other) => (other === loop ? [outer, inner] : [other])),
    indices: indices.map((index) => index.substitute(replacement)),
  };
}

function laneLoops(size: number): { loops: [Loop, Loop]; index: Index } {
  const group: Loop = { name: 'g', extent: Math.ceil(size / 4), kind: 'group', lastLanes: ((size + 3) % 4) + 1 };
  const lane: Loop = { name: 'l', extent: 4, kind: 'lane' };
  return { loops: [group, lane], index: Index.of(group).times(4).plus(Index.of(lane)) };
}

function constantOf(value: number, dtype: DType): Expression {
  const kind = kindOf(dtype);
  // A mask is made by a comparison.
  return kind === 'mask' ? binary('equal', constant(value, 'i32'), constant(1, 'i32')) : constant(value, kind);
}
