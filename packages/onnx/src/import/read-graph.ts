// From the bytes of a model file to its nodes, constants and input, with everything checked that does not need shapes.

import { BnError, type DType, formatShape, type Shape } from '@bn/core';
import {
  TensorProto_DataType as DataType,
  type GraphProto,
  type ModelProto,
  type NodeProto,
} from '../generated/onnx_pb.js';
import { decodeModel, metadataOf } from '../metadata.js';
import { Attributes } from './attributes.js';
import { damaged } from './damaged.js';
import { dtypeOf, readTensor } from './read-tensor.js';
import { separateEqual } from './separate-equal.js';
import type { Constant } from './value.js';

export interface OnnxNode {
  /** For messages: `node 'conv1' (Conv, opset 17)`. */
  readonly title: string;
  /** The layer it seems to belong to, after its name. */
  readonly layer: string;
  readonly operator: string;
  /** Names of values; one that is left out is empty. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

export interface OnnxGraph {
  readonly opset: number;
  /** In an order in which they can be computed. */
  readonly nodes: readonly OnnxNode[];
  /** Initializers and the values of Constant nodes, by name. */
  readonly constants: ReadonlyMap<string, Constant>;
  readonly input: {
    readonly name: string;
    readonly dtype: DType;
    /** With `null` for the batch. */
    readonly shape: Shape;
    /** Where the file has a number for the batch size. */
    readonly fixedBatch: number | null;
  };
  readonly outputs: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
}

const opsets = { oldest: 7, newest: 28 };

/** Far above what classifiers have, and little enough to be looked at in no time. */
const mostNodes = 20_000;

export interface ReadOptions {
  /**
   * The shape of the input, where the file leaves sizes open or has the batch as a number: `null` for the batch, whose size stays open,
   * or a number for it. Default: the sizes of the file, which must be numbers but for the batch, and null for the batch.
   */
  readonly shape?: Shape | undefined;
  /** Height and width, where the file leaves them open. */
  readonly imageSize?: number | undefined;
}

/**
 * @throws `data` if the file is damaged or contradicts itself, `unsupported` if it has what is not imported
 */
export function readGraph(bytes: Uint8Array, options: ReadOptions = {}): OnnxGraph {
  const model = decodeModel(bytes);
  const { graph } = model;
  if (!graph || graph.output.length === 0) throw new BnError('data', 'the file has no graph; it is no ONNX model');
  if (graph.sparseInitializer.length > 0) {
    throw new BnError('unsupported', 'the model has sparse weights, which are not imported; save them as dense ones');
  }
  if (graph.node.length > mostNodes) {
    throw new BnError('unsupported', `the model has ${graph.node.length} nodes, more than ${mostNodes}`);
  }
  const opset = opsetOf(model);
  const constants = new Map<string, Constant>();
  for (const tensor of graph.initializer) {
    constants.set(tensor.name, readTensor(tensor, `the initializer '${tensor.name}'`));
  }
  const all = graph.node.map((node) => readNode(node, opset));
  const input = readInput(graph, constants, options);
  requireOrder(all, [...constants.keys(), input.name]);
  const nodes = all.filter((node) => {
    if (node.operator !== 'Constant') return true;
    constants.set(node.outputs[0]!, constantOf(node));
    return false;
  });
  const outputs = graph.output.map(({ name }) => name);
  return separateEqual({ opset, nodes, constants, input, outputs, metadata: metadataOf(model) });
}

function opsetOf({ opsetImport }: ModelProto): number {
  const opset = Number(opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0);
  if (opset >= opsets.oldest && opset <= opsets.newest) return opset;
  const imported = `${opsets.oldest} to ${opsets.newest} are imported, convert it with onnx.version_converter`;
  throw new BnError('unsupported', `the model has opset ${opset}; ${imported}`);
}

function readNode({ name, opType, domain, input, output, attribute }: NodeProto, opset: number): OnnxNode {
  const title = `node '${name || (output[0] ?? '')}' (${opType}, opset ${opset})`;
  if (domain !== '' && domain !== 'ai.onnx') {
    const instead = opType === 'ZipMap' ? "convert with options={'zipmap': False}" : 'use standard ones';
    throw new BnError('unsupported', `${title}: operators of ${domain} are not imported; ${instead}`);
  }
  if (output.length === 0 || output[0] === '') throw damaged(`${title}: it has no output`);
  const attributes = new Attributes(attribute, title);
  return { title, layer: layerOf(name, opType), operator: opType, inputs: input, outputs: output, attributes };
}

/** `conv1` of `conv1/forward/conv2d/Conv`, which is this package's form, and of `/conv1/Conv`, which is PyTorch's. */
function layerOf(name: string, operator: string): string {
  const parts = name.split('/').filter((part) => part !== '');
  if (parts.length === 4 && parts[1] === 'forward') return parts[0]!;
  return parts.filter((part, i) => i === 0 || i < parts.length - 1 || !part.startsWith(operator)).join('.');
}

function readInput(
  graph: GraphProto,
  constants: ReadonlyMap<string, Constant>,
  { shape: wanted, imageSize }: ReadOptions,
): OnnxGraph['input'] {
  const inputs = graph.input.filter(({ name }) => !constants.has(name));
  if (inputs.length !== 1) {
    const names = inputs.map(({ name }) => `'${name}'`).join(', ') || 'none';
    throw new BnError('unsupported', `the model has the inputs ${names}; models with one input are imported`);
  }
  const { name, type } = inputs[0]!;
  const what = `the input '${name}'`;
  if (type?.value.case !== 'tensorType') throw new BnError('unsupported', `${what} is no tensor`);
  const { elemType, shape } = type.value.value;
  const dtype = dtypeOf(elemType, what);
  const given = (shape?.dim ?? []).map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : null));
  // Height and width stand beside each other, after the channels or before them.
  const open = given.flatMap((n, i) => (n === null && i > 0 ? [i] : []));
  const isImage = given.length === 4 && open.length === 2 && open[1]! - open[0]! === 1;
  const sizes = given.map((n, i) => (isImage && open.includes(i) ? (imageSize ?? null) : n));
  if (wanted) {
    const fits = (n: number | null, i: number) => n === null || n === wanted[i] || (i === 0 && wanted[i] === null);
    if (wanted.length === sizes.length && sizes.every(fits)) {
      return { name, dtype, shape: wanted, fixedBatch: wanted[0] === null ? (sizes[0] ?? null) : null };
    }
    const seen = `${what} is [${sizes.map((n) => n ?? '?').join(', ')}] in the file`;
    throw new BnError('argument', `${seen}, which cannot be ${formatShape(wanted)}; give sizes that are open there`);
  }
  if (dtype !== 'float32' && dtype !== 'uint8') {
    throw new BnError(
      'unsupported',
      `${what} is ${DataType[elemType]}; float32, float16, float64 and uint8 are imported`,
    );
  }
  const known = sizes.slice(1).every((n): n is number => n !== null && n > 0 && n < 2 ** 31);
  if (sizes.length < 2 || !known) {
    const seen = `${what} has the shape [${sizes.map((n) => n ?? '?').join(', ')}]`;
    const cure = 'give --image-size for height and width, or export the model with fixed ones';
    throw new BnError('unsupported', `${seen}; every size but the batch's must be a number above 0: ${cure}`);
  }
  return { name, dtype, shape: [null, ...sizes.slice(1)], fixedBatch: sizes[0]! };
}

/** Each value has one origin, which comes before its users: a file with a cycle has no such order. */
function requireOrder(nodes: readonly OnnxNode[], known: Iterable<string>): void {
  const computed = new Set(known);
  for (const { title, inputs, outputs } of nodes) {
    const unknown = inputs.find((name) => name !== '' && !computed.has(name));
    if (unknown !== undefined) throw damaged(`${title}: nothing before it computes its input '${unknown}'`);
    for (const name of outputs) {
      if (name === '') continue;
      if (computed.has(name)) throw damaged(`${title}: '${name}' is computed twice`);
      computed.add(name);
    }
  }
}

function constantOf({ attributes, title }: OnnxNode): Constant {
  const tensor = attributes.tensor('value');
  if (tensor) return readTensor(tensor, title);
  const [int, float] = [attributes.numbers('value_int'), attributes.numbers('value_float')];
  const integers = int ?? attributes.numbers('value_ints');
  if (integers) return { dtype: 'int32', shape: int ? [] : [integers.length], data: integers };
  const values = float ?? attributes.numbers('value_floats');
  if (values) return { dtype: 'float32', shape: float ? [] : [values.length], data: Float32Array.from(values) };
  throw new BnError('unsupported', `${title}: only constants of numbers are imported`);
}
