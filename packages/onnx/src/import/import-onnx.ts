// An ONNX model as a model of this toolkit: to predict with, to train further, on any backend.

import {
  BnError,
  defineModel,
  type HostTensor,
  type ImageSignature,
  input,
  type Model,
  ops,
  scalePixels,
  type Tensor,
  trace,
} from '@bn/core';
import { inferenceOf } from './import-inference.js';
import { createNetwork } from './network.js';
import { type OnnxGraph, type ReadOptions, readGraph } from './read-graph.js';
import { type SignatureOptions, type Signed, signatureOf, trainableOf } from './signature.js';
import { findWeights } from './weights.js';

export interface NetworkImportOptions extends ReadOptions {
  /**
   * `frozen`: training, too, normalizes with the running statistics of the file and leaves them as they are.
   * `trained`: batches are normalized with their own, and the running ones follow, with the file's momentum.
   * Default `frozen`.
   */
  readonly batchNorm?: 'frozen' | 'trained' | undefined;
  /**
   * Whether the initializer of this name is trained; others are kept as they are. `isWeight`: it is a weight or bias of
   * Conv, Gemm, MatMul or BatchNormalization, or is added to a product. Default: those.
   */
  readonly trainable?: ((name: string, isWeight: boolean) => boolean) | undefined;
  /** Name of the output that is the network's, default `logits` if there is one of that name, else the first. */
  readonly output?: string | undefined;
}

/** The output is by default the one that `signatureOf` finds. */
export interface ImportOptions extends NetworkImportOptions, SignatureOptions {}

export interface ImportedNetwork {
  /** Starts training from the file's values: they are what its parameters and states are initialized with. */
  readonly model: Model;
  /** Parameters and states by path: those that the file's names suggest. */
  readonly values: ReadonlyMap<string, HostTensor>;
  /** The file's texts. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ImportedModel extends ImportedNetwork, Signed {}

/**
 * Reads an ONNX model of one input to train it: a classifier of images as frameworks export them, or what this package
 * exports. Opsets 7 to 28; the README lists the operators. Any batch size, also where the file has a number for it.
 *
 * The model takes images as all models of this toolkit do, `[batch, channels, height, width]` from 0 to 1 (a file that takes
 * uint8: pixels), and brings them to the order and range of the file. It gives what the file takes the softmax or sigmoid of.
 *
 * The bytes may come from anywhere: they are checked, and nothing large is allocated on their word.
 *
 * @throws BnError `data` if the file is damaged or contradicts itself, `unsupported` for what is not imported, naming the
 * node, its operator and the opset; and as `signatureOf` does
 */
export function importOnnx(bytes: Uint8Array, options: ImportOptions = {}): ImportedModel {
  const graph = readGraph(bytes, options);
  const signed = signatureOf(inferenceOf(graph), options);
  const { input, output } = signed.signature;
  const { model, metadata } = networkOf(graph, { ...options, output: output.name });
  const { dtype, shape } = model.input;
  const { image } = input;
  const own = defineModel((x, scope) => trainableOf(model.network(image ? asInFile(x, image) : x, scope), output), {
    input: { dtype, shape: image ? [null, image.channels, image.height, image.width] : shape },
  });
  return { model: own, values: valuesOf(own), metadata, ...signed };
}

/** Reads an ONNX model with the input and the output that the file has, whatever they are; throws as `importOnnx` does. */
export function importNetwork(bytes: Uint8Array, options: NetworkImportOptions = {}): ImportedNetwork {
  const { model, metadata } = networkOf(readGraph(bytes, options), options);
  return { model, values: valuesOf(model), metadata };
}

function networkOf(
  graph: OnnxGraph,
  { batchNorm = 'frozen', trainable = (_, isWeight) => isWeight, ...options }: NetworkImportOptions,
): Omit<ImportedNetwork, 'values'> {
  const output = chooseOutput(graph, options.output);
  const weights = findWeights(graph, trainable);
  const { dtype, shape } = graph.input;
  const model = defineModel(createNetwork({ graph, weights, output, batchNorm }), { input: { dtype, shape } });
  return { model, metadata: graph.metadata };
}

function valuesOf(model: Model): ReadonlyMap<string, HostTensor> {
  const { parameters, states } = trace(model, input('features', model.input.shape, model.input.dtype));
  const never = { uniform: () => 0, normal: () => 0, integer: () => 0 };
  const values = [...parameters, ...states].map(([path, { shape, initializer }]) => {
    return [path, { shape, data: initializer(shape, never) }] as const;
  });
  return new Map(values);
}

function chooseOutput({ outputs, nodes, constants }: OnnxGraph, wanted: string | undefined): string {
  const output = wanted ?? (outputs.includes('logits') ? 'logits' : outputs[0]!);
  if (nodes.some((node) => node.outputs.includes(output))) return output;
  const what = constants.has(output) ? 'is a constant' : 'is not there';
  throw new BnError('argument', `the output '${output}' ${what}; the outputs are ${outputs.join(', ')}`);
}

/** Images [batch, channels, height, width], from 0 to 1 or uint8, as the file takes them. */
function asInFile(x: Tensor, image: ImageSignature): Tensor {
  const { channels, height, width, order } = image;
  const scaled = x.dtype === 'uint8' ? x : scalePixels(x, image);
  if (order === 'HWC') return ops.transpose(scaled, [0, 2, 3, 1]);
  if (order === 'CHW') return scaled;
  return ops.reshape(scaled, [x.shape[0]!, ...(order === 'HW' ? [height, width] : [channels * height * width])]);
}
