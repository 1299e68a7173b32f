// The state of one lowering: which ONNX value holds each node's result, and the ONNX nodes and initializers so far.

import {
  type DType,
  decomposeNode,
  type FusedName,
  type Graph,
  isOp,
  type PrimitiveName,
  type Shape,
  sameShape,
  type Tensor,
  type TypedArray,
} from '@bn/core';
import { create } from '@bufbuild/protobuf';
import { type NodeProto, NodeProtoSchema, type TensorProto } from './generated/onnx_pb.js';
import { type Attribute, attributeProto, dataTypes, type ElementType, tensorProto } from './model-proto.js';
import { rules } from './rules.js';

/**
 * An ONNX value that stands for a node's result. Its shape has size 1 (or no axis) where the node's shape is larger if
 * a broadcast has not been carried out: elementwise operators broadcast anyway, and `Expand` is slow.
 */
export interface Operand {
  readonly name: string;
  readonly shape: Shape;
}

/** A runtime's provider for which there are detours around wrong kernels. */
export type Provider = 'webgpu';

/** In bytes. Larger constants are not compared with each other. */
const largestMergedConstant = 4096;

export class Lowering {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly provider: Provider | undefined;
  readonly #operands = new Map<Tensor, Operand>();
  readonly #values = new Map<Tensor, string>();
  readonly #constants = new Map<string, string>();
  readonly #names = new Set<string>();
  readonly #userCounts: ReadonlyMap<Tensor, number>;
  readonly #graph: Graph;
  /** The node being lowered, after which ONNX nodes are named. */
  #current: Tensor | undefined;

  constructor(graph: Graph, provider?: Provider) {
    this.#graph = graph;
    this.provider = provider;
    for (const name of [...graph.inputs.keys(), ...graph.outputs.keys()]) this.#names.add(name);
    this.#userCounts = countUsers(graph);
  }

  /** The value of x, perhaps with broadcasts still to be done. */
  operand(x: Tensor): Operand {
    const done = this.#operands.get(x);
    if (done) return done;
    const result = this.at(x, () => this.#lower(x));
    const operand = typeof result === 'string' ? { name: result, shape: x.shape } : result;
    this.#operands.set(x, operand);
    return operand;
  }

  /** The name of x's value in its full shape. */
  value(x: Tensor): string {
    const { name, shape } = this.operand(x);
    if (sameShape(shape, x.shape)) return name;
    const done = this.#values.get(x);
    if (done) return done;
    const expanded = this.at(x, () => this.#expand(name, x));
    this.#values.set(x, expanded);
    return expanded;
  }

  /** The names of a node's operands, each in its full shape. */
  operandValues({ inputs }: Tensor): string[] {
    return inputs.map((x) => this.value(x));
  }

  /** Whether the given user is the only one of x. */
  hasOneUser(x: Tensor): boolean {
    return this.#userCounts.get(x) === 1;
  }

  /** Runs `body`; the ONNX nodes that it emits are named after x. */
  at<T>(x: Tensor, body: () => T): T {
    const outer = this.#current;
    this.#current = x;
    try {
      return body();
    } finally {
      this.#current = outer;
    }
  }

  /** Adds an ONNX node with one output, and gives the output's name. */
  emit(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    name: string = this.#nodeName(operator),
  ): string {
    const attribute = Object.entries(attributes).map(([key, value]) => attributeProto(key, value));
    this.nodes.push(create(NodeProtoSchema, { name, opType: operator, input: [...inputs], output: [name], attribute }));
    return name;
  }

  /** An int64 initializer of one axis. */
  int64(values: readonly number[]): string {
    return this.constant(BigInt64Array.from(values, BigInt), 'int64', [values.length]);
  }

  /** An initializer. Float64Array data are written as float32. */
  constant(data: TypedArray | BigInt64Array, type: ElementType, shape: readonly number[]): string {
    const narrow = data instanceof Float64Array ? Float32Array.from(data) : data;
    const bytes = new Uint8Array(narrow.buffer, narrow.byteOffset, narrow.byteLength);
    const key = bytes.length <= largestMergedConstant ? `${type}|${shape}|${bytes}` : '';
    const twin = key && this.#constants.get(key);
    if (twin) return twin;
    const name = this.uniqueName(`constant_${this.initializers.length}`);
    this.initializers.push(tensorProto(name, type, shape, bytes));
    if (key) this.#constants.set(key, name);
    return name;
  }

  scalar(value: number): string {
    return this.constant(Float32Array.of(value), 'float32', []);
  }

  /** x in another shape; a symbolic size becomes −1, which ONNX works out. */
  reshape(x: string, shape: Shape): string {
    // Otherwise a 0 stands for the size that x has there.
    const attributes = shape.includes(0) ? { allowzero: 1 } : undefined;
    return this.emit('Reshape', [x, this.int64(shape.map((n) => n ?? -1))], attributes);
  }

  cast(x: string, dtype: DType): string {
    return this.emit('Cast', [x], { to: dataTypes[dtype] });
  }

  transpose(x: string, permutation: readonly number[]): string {
    return this.emit('Transpose', [x], { perm: permutation });
  }

  /** The part of x from `start` up to `end`, in steps, along some axes. */
  slice(
    x: string,
    start: readonly number[],
    end: readonly number[],
    axes: readonly number[],
    step?: readonly number[],
  ): string {
    const bounds = [this.int64(start), this.int64(end), this.int64(axes)];
    return this.emit('Slice', [x, ...bounds, ...(step?.some((n) => n !== 1) ? [this.int64(step)] : [])]);
  }

  #expand(value: string, { dtype, shape }: Tensor): string {
    // WebGPU has an Expand for uint8 that fails.
    if (this.provider !== 'webgpu' || dtype !== 'uint8') return this.emit('Expand', [value, this.#shape(shape)]);
    const expanded = this.emit('Expand', [this.cast(value, 'int32'), this.#shape(shape)]);
    return this.cast(expanded, dtype);
  }

  /** A shape as an int64 value; the symbolic batch size is read from a graph input at run time. */
  #shape(shape: Shape): string {
    if (!shape.includes(null)) return this.int64(shape as readonly number[]);
    const parts = shape.map((n) => (n === null ? this.#batchSize() : this.int64([n])));
    return parts.length === 1 ? parts[0]! : this.emit('Concat', parts, { axis: 0 });
  }

  /** A value name that is neither an input's, nor an output's, nor another value's. */
  uniqueName(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.#names.has(name); i++) name = `${wanted}_${i}`;
    this.#names.add(name);
    return name;
  }

  #lower(x: Tensor): Operand | string {
    if (isOp(x, 'input')) return x.attributes.name;
    if (isOp(x, 'constant')) return this.constant(x.attributes.data, x.dtype, x.shape as readonly number[]);
    const rule = rules[x.op as PrimitiveName | FusedName] as
      | ((node: Tensor, to: Lowering) => Operand | string)
      | undefined;
    return rule ? rule(x, this) : this.operand(decomposeNode(x as Tensor<FusedName>));
  }

  /** `conv1/backward/conv2dFilterGradient/Gemm`: errors and profiles of runtimes then speak in layers. */
  #nodeName(operator: string): string {
    if (!this.#current) return this.uniqueName(operator);
    const { origin, op } = this.#current;
    return this.uniqueName([origin.layer, origin.direction, op, operator].filter((part) => part !== '').join('/'));
  }

  #batchSize(): string {
    const [input] = [...this.#graph.inputs.values()].filter((x) => x.shape.includes(null));
    const axis = input!.shape.indexOf(null);
    return this.emit('Shape', [this.operand(input!).name], { start: axis, end: axis + 1 });
  }
}

/** How many nodes and outputs use each node's result. */
export function countUsers(graph: Graph): ReadonlyMap<Tensor, number> {
  const counts = new Map<Tensor, number>();
  for (const x of [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.values()]) {
    counts.set(x, (counts.get(x) ?? 0) + 1);
  }
  return counts;
}
