// A graph as an ONNX model.

import { BnError, formatShape, formatSpec, type Graph, type HostTensor, isOp, sameShape, type Tensor } from '@bn/core';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
} from './generated/onnx_pb.js';
import { Lowering, type Provider } from './lowering.js';
import { metadataProps, tensorProto, valueInfo } from './model-proto.js';

/** Old enough for deployment targets, new enough for every operator that graphs need. */
const opset = 17n;
const irVersion = 8n;

export interface ToOnnxOptions {
  /** `webgpu`: a model for ONNX Runtime's WebGPU provider, which avoids kernels that are wrong in version 1.30. */
  readonly provider?: Provider | undefined;
  /** Values of graph inputs by name: those inputs become initializers, a part of the model. */
  readonly initializers?: ReadonlyMap<string, HostTensor> | undefined;
  /** The model's `metadata_props`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/**
 * The ONNX model (bytes of a ModelProto: opset 17, IR version 8, standard operators only) that computes `graph`.
 *
 * Inputs and outputs have the graph's names, in the graph's order. A name that an input and an output share (a state
 * before and after a step) stays the input's; the output's gets `.next` appended, since ONNX names each value once.
 * A symbolic batch size becomes the dimension `batch`. Nodes are named `layer/direction/operation/Operator`.
 *
 * @see https://onnx.ai/onnx/repo-docs/IR.html
 */
export function toOnnx(
  graph: Graph,
  { provider, initializers = new Map(), metadata = {} }: ToOnnxOptions = {},
): Uint8Array {
  return modelOf(lowered(graph, provider, initializers), metadata);
}

/** The bytes of a model that is this graph. */
export function modelOf(graph: GraphProto, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion,
    opsetImport: [{ domain: '', version: opset }],
    producerName: '@bn/onnx',
    metadataProps: metadataProps(metadata),
    graph,
  });
  return toBinary(ModelProtoSchema, model);
}

/** The nodes that compute `graph`, with its inputs and outputs; names are as `toOnnx` says. */
export function lowered(
  graph: Graph,
  provider?: Provider,
  initializers: ReadonlyMap<string, HostTensor> = new Map(),
): GraphProto {
  const to = new Lowering(graph, provider);
  // In the graph's order, so that the recursion to inputs is never deep. Products wait for a user that adds a bias.
  for (const node of graph.nodes) if (!isProduct(node) || !to.hasOneUser(node)) to.operand(node);
  const results = new Map([...graph.outputs].map(([name, x]) => [name, to.value(x)]));
  const outputNames = nameOutputs(graph, results, to);
  const node = needed(to.nodes, [...outputNames.values()]);
  const used = new Set(node.flatMap((n) => n.input));
  return create(GraphProtoSchema, {
    name: 'graph',
    node,
    initializer: [
      ...fixedInputs(graph, initializers).filter(({ name }) => used.has(name)),
      ...to.initializers.filter(({ name }) => used.has(name)),
    ],
    input: [...graph.inputs]
      .filter(([name]) => !initializers.has(name))
      .map(([name, { dtype, shape }]) => valueInfo(name, dtype, shape)),
    output: [...graph.outputs].map(([name, { dtype, shape }]) => valueInfo(outputNames.get(name)!, dtype, shape)),
  });
}

/** Graph inputs whose values are known, as initializers; throws `shape` for a value that does not fit. */
function fixedInputs(graph: Graph, values: ReadonlyMap<string, HostTensor>): TensorProto[] {
  return [...graph.inputs].flatMap(([name, x]) => {
    const value = values.get(name);
    if (!value) return [];
    const { shape, data } = value;
    if (!sameShape(shape, x.shape) || x.dtype !== 'float32') {
      const seen = `'${name}' is ${formatSpec(x)}, but its value is float32 ${formatShape(shape)}`;
      throw new BnError('shape', `${seen}; pass values of this model`);
    }
    return [tensorProto(name, 'float32', shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
  });
}

function isProduct(node: Tensor): boolean {
  return isOp(node, 'conv2d') || isOp(node, 'matmul');
}

/** Gives results the names of the outputs: renames values where possible, else copies. Returns the names in the model. */
function nameOutputs(graph: Graph, results: ReadonlyMap<string, string>, to: Lowering): Map<string, string> {
  const renamed = new Map<string, string>();
  const computed = new Set(to.nodes.flatMap((node) => node.output));
  const names = new Map<string, string>();
  for (const [output, value] of results) {
    const name = graph.inputs.has(output) ? to.uniqueName(`${output}.next`) : output;
    names.set(output, name);
    if (computed.has(value) && !renamed.has(value)) renamed.set(value, name);
    else to.emit('Identity', [value], {}, name);
  }
  const rename = (name: string) => renamed.get(name) ?? name;
  for (const node of to.nodes) {
    node.input = node.input.map(rename);
    node.output = node.output.map(rename);
  }
  return names;
}

/** The nodes that the given values need, in order. */
function needed(nodes: readonly NodeProto[], values: readonly string[]): NodeProto[] {
  const wanted = new Set(values);
  const kept = [...nodes].reverse().filter(({ output, input }) => {
    if (!output.some((name) => wanted.has(name))) return false;
    for (const name of input) wanted.add(name);
    return true;
  });
  return kept.reverse();
}
