// From a graph to a program: every node becomes calls of TensorFlow.js kernels.

import { BnError, type DType, decomposeFused, type Graph, isOp, type Shape, type Tensor } from '@bn/core';
import type { ElementArray, ElementType, Engine, EngineName } from '../engine.js';
import type { Ref } from '../program/kernels.js';
import type { Program } from '../program/program.js';
import { ProgramBuilder } from '../program/program-builder.js';
import { channelsLastTensors, type Layout, toChannelsLast, toPlain } from './image-layouts.js';
import { broadcastNode } from './rules/shape.js';
import { type LoweredName, rules } from './rules.js';

/** The program that computes a graph's outputs; `batch` is what the symbolic dimension stands for. */
export function lower(graph: Graph, engine: Engine, batch: number): Program {
  const lowered = new Lowering(decomposeFused(graph, ['softmax', 'relu']), engine, batch);
  try {
    return lowered.program();
  } catch (error) {
    lowered.builder.discard();
    throw error;
  }
}

export class Lowering {
  readonly builder: ProgramBuilder;
  readonly engine: EngineName;
  readonly #graph: Graph;
  readonly #batch: number;
  readonly #images: ReadonlySet<Tensor>;
  readonly #refs = new Map<Tensor, Ref>();

  constructor(graph: Graph, engine: Engine, batch: number) {
    this.builder = new ProgramBuilder(engine);
    this.engine = engine.name;
    this.#graph = graph;
    this.#batch = batch;
    this.#images = channelsLastTensors(graph);
  }

  program(): Program {
    for (const node of this.#graph.nodes) {
      const { layer, direction } = node.origin;
      this.builder.origin = layer === '' ? `${node.op} (${direction})` : `${layer} (${node.op}, ${direction})`;
      this.#refs.set(node, this.#lowerNode(node));
    }
    const outputs = [...this.#graph.outputs].map(([name, node]): [string, Ref] => [name, this.ref(node, 'plain')]);
    return this.builder.build(new Map(outputs));
  }

  /** Sizes in core's order of axes, as numbers. */
  sizes(shape: Shape): number[] {
    return shape.map((n) => n ?? this.#batch);
  }

  layout(node: Tensor): Layout {
    return this.#images.has(node) ? 'channelsLast' : 'plain';
  }

  /** A node that was lowered, in the layout asked for. */
  ref(node: Tensor, layout: Layout): Ref {
    const ref = this.#refs.get(node)!;
    if (node.shape.length !== 4 || layout === this.layout(node)) return ref;
    // What is repeated is permuted before that, while it is small.
    if (isOp(node, 'broadcastTo')) return broadcastNode(node, this, layout);
    return this.builder.transpose(ref, layout === 'plain' ? toPlain : toChannelsLast);
  }

  #lowerNode(node: Tensor): Ref {
    if (isOp(node, 'input')) {
      return this.builder.input(node.attributes.name, this.sizes(node.shape), elementType(node.dtype));
    }
    if (isOp(node, 'constant')) {
      const type = elementType(node.dtype);
      return this.builder.constant(elementsOf(node.attributes.data, type), this.sizes(node.shape), type);
    }
    const rule = rules[node.op as LoweredName];
    if (!rule) throw new BnError('unsupported', `compile: ${this.builder.origin}: no rule for this operation`);
    return rule(node as never, this);
  }
}

/** What stands for a dtype: TensorFlow.js has no uint8. */
export function elementType(dtype: DType): ElementType {
  return dtype === 'uint8' ? 'int32' : dtype;
}

/** A copy of `data` as an array that holds elements of `type`. */
export function elementsOf(data: ArrayLike<number>, type: ElementType): ElementArray {
  return { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[type].from(data);
}
