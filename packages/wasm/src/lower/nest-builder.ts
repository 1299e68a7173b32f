// One nest under construction: what rules ask for while they make it.

import { type DType, isOp, type Origin, type Tensor } from '@bn/core';
import { binary, constant } from '../ir/expressions.js';
import { Index, type Loop } from '../ir/index-form.js';
import {
  type Access,
  type Buffer,
  type Expression,
  elementAt,
  type Guard,
  kindOf,
  type Nest,
  temporary,
  withLoops,
} from '../ir/nest.js';
import type { Lowering, NestBody, Read, Reduction } from '../rules/rule.js';
import { isLeaf, ruleOf } from '../rules/table.js';

/** What a nest needs to know about the rest of the graph. */
export interface Surroundings {
  /** Where a stored node's elements are; nests that fill it are made first. */
  memoryOf(node: Tensor): Buffer;
  /** An input's argument. */
  argumentOf(node: Tensor<'input'>): Buffer;
  isStored(node: Tensor): boolean;
  /** Whether a node has its place in the memory of another. */
  isWithin(node: Tensor, host: Tensor): boolean;
  laneAxis(node: Tensor): number | null;
}

export class NestBuilder implements Lowering {
  readonly #graph: Surroundings;
  /** Of what the nest computes, each once. */
  readonly #origins = new Map<string, Origin>();
  /** Loops that may become two, and what has taken the place of those that have. */
  readonly #splittable = new Set<Loop>();
  readonly #splits = new Map<Loop, { readonly loops: readonly [Loop, Loop]; readonly index: Index }>();
  /** The reduction that the nest computes first, and its result in the nest. */
  #anchor: { readonly node: Tensor; readonly result: Expression } | null = null;

  /** @param nodes that the nest computes, the main one first */
  constructor(graph: Surroundings, nodes: readonly Tensor[]) {
    this.#graph = graph;
    for (const node of nodes) this.#note(node);
  }

  /** One nest over all elements of `node`. */
  over(
    name: string,
    node: Tensor,
    target: Buffer,
    body: (indices: readonly Index[]) => Omit<Reduction, 'reduction'> & { reduction: Reduction['reduction'] | null },
  ): Nest {
    const { loops, indices } = this.loops(node.shape as number[], this.laneAxis(node), 'i');
    for (const loop of loops) if (loop.kind === undefined) this.#splittable.add(loop);
    const { inner, ...statement } = body(indices);
    return this.finish({
      name,
      outer: loops,
      inner,
      statements: [{ ...statement, target: this.write(target, indices) }],
    });
  }

  /** The nest with its origins, and with loops in two where that was asked for. */
  finish(body: NestBody): Nest {
    const nest = { ...body, origins: [...this.#origins.values()] };
    if (this.#splits.size === 0) return nest;
    const inTwo = (loops: readonly Loop[]): Loop[] =>
      loops.flatMap((loop) => (this.#splits.has(loop) ? inTwo(this.#splits.get(loop)!.loops) : [loop]));
    const replacements = new Map([...this.#splits].map(([loop, { index }]) => [loop, this.#split(index)]));
    return {
      ...nest,
      outer: inTwo(nest.outer),
      inner: inTwo(nest.inner),
      statements: withLoops(nest.statements, replacements),
    };
  }

  /** The reduction `anchor`, with the elementwise operations between it and `node` as its finish. */
  anchored(node: Tensor, anchor: Tensor, indices: readonly Index[]): Reduction {
    const reduced = ruleOf(anchor).reduce!(anchor as never, indices, this);
    this.#anchor = { node: anchor, result: reduced.finish ?? { op: 'reduced', kind: kindOf(anchor.dtype) } };
    return { ...reduced, finish: ruleOf(node).element!(node as never, indices, this)! };
  }

  at(node: Tensor, indices: readonly Index[]): Expression {
    if (this.#anchor?.node === node) return this.#anchor.result;
    if (isOp(node, 'constant')) {
      const { data } = node.attributes;
      const first = data[0];
      if (data.every((v) => Object.is(v, first))) return constantOf(first, node.dtype);
    }
    if (!isLeaf(node) && !this.isStored(node)) {
      const computed = ruleOf(node).element!(node as never, indices, this);
      if (computed) {
        this.#note(node);
        return computed;
      }
    }
    return this.read(node, indices);
  }

  read(node: Tensor, indices: readonly Index[], guards: readonly Guard[] = []): Read {
    const buffer = this.#graph.memoryOf(node);
    const access = accessTo(buffer, node.shape as number[], indices, guards);
    return { op: 'read', kind: kindOf(node.dtype), access };
  }

  isWithin(node: Tensor, host: Tensor): boolean {
    if (!this.#graph.isWithin(node, host)) return false;
    this.#graph.memoryOf(node);
    return true;
  }

  readAlongLanes(node: Tensor, indices: readonly Index[]): Read {
    if (!isOp(node, 'input')) return this.read(node, indices);
    return { op: 'read', kind: kindOf(node.dtype), access: this.write(this.#graph.argumentOf(node), indices) };
  }

  readTable(data: ArrayLike<number>, shape: readonly number[], indices: readonly Index[]): Read {
    const table: Buffer = { ...temporary('table', shape), source: { constant: data } };
    return { op: 'read', kind: 'f32', access: this.write(table, indices) };
  }

  write(buffer: Buffer, indices: readonly Index[], guards: readonly Guard[] = []): Access {
    return accessTo(buffer, buffer.shape, indices, guards);
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
    for (const loop of loops) this.#splittable.add(loop);
    return { loops, index: indices[0] };
  }

  divide(index: Index, divisor: number): { quotient: Index; remainder: Index } | null {
    const split = this.#split(index);
    const parts = split.divide(divisor);
    if (parts) return parts;
    if (split.terms.length !== 1) return null;
    const [{ loop }] = split.terms;
    if (!this.#splittable.has(loop) || loop.extent % divisor !== 0) return null;
    const outer = { name: `${loop.name}o`, extent: loop.extent / divisor };
    const inner = { name: `${loop.name}i`, extent: divisor };
    this.#splits.set(loop, { loops: [outer, inner], index: Index.of(outer).times(divisor).plus(Index.of(inner)) });
    for (const half of [outer, inner]) this.#splittable.add(half);
    return this.divide(split, divisor);
  }

  laneAxis(node: Tensor): number | null {
    return this.#graph.laneAxis(node);
  }

  isStored(node: Tensor): boolean {
    return this.#graph.isStored(node);
  }

  temporary(name: string, shape: readonly number[], laneAxis: number | null, dtype: DType): Buffer {
    return temporary(name, shape, laneAxis, dtype);
  }

  /** An index by the loops that there are now. */
  #split(index: Index): Index {
    if (!index.terms.some(({ loop }) => this.#splits.has(loop))) return index;
    return this.#split(index.substitute(new Map([...this.#splits].map(([loop, { index: made }]) => [loop, made]))));
  }

  #note({ origin }: Tensor): void {
    const key = `${origin.layer} ${origin.direction}`;
    if (!this.#origins.has(key)) this.#origins.set(key, origin);
  }
}

/** A place in a buffer that is seen in a shape, or in the buffer that it is within. */
function accessTo(
  buffer: Buffer,
  shape: readonly number[],
  indices: readonly Index[],
  guards: readonly Guard[],
): Access {
  if (buffer.within) {
    const { buffer: host, shift } = buffer.within;
    const shifted = indices.map((index, axis) => index.plus(shift[axis]));
    return accessTo(host, host.shape, shifted, guards);
  }
  const index = elementAt({ ...buffer, shape }, indices);
  if (!index) throw new Error(`${buffer.name}: lanes are indexed by [${indices.join(', ')}]`);
  return { buffer, index, guards };
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
