// An ONNX model as a model of this toolkit: to predict with, to train further, on any backend.

import { BnError, defineModel, type HostTensor, input, type Model, ops, type Shape, trace } from '@bn/core';
import { createNetwork } from './network.js';
import { type OnnxGraph, readGraph } from './read-graph.js';
import { findWeights } from './weights.js';

export interface ImportOptions {
  /**
   * `frozen`: training, too, normalizes with the running statistics of the file and leaves them as they are.
   * `trained`: batches are normalized with their own, and the running ones follow, with the file's momentum.
   * Default `frozen`.
   */
  readonly batchNorm?: 'frozen' | 'trained';
  /**
   * Whether the initializer of this name is trained; others are kept as they are. `isWeight`: it is a weight or bias of
   * Conv, Gemm, MatMul or BatchNormalization, or is added to a product. Default: those.
   */
  readonly trainable?: (name: string, isWeight: boolean) => boolean;
  /** Name of the output that is the network's, default `logits` if there is one of that name, else the first. */
  readonly output?: string;
  /** Leaves a Softmax or LogSoftmax at the end out, as losses want it, which bring their own. Default false. */
  readonly logits?: boolean;
  /**
   * The model of a file whose images are `[batch, height, width, channels]` with 1 or 3 channels, as those of Keras are,
   * takes `[batch, channels, height, width]` instead. Default false.
   */
  readonly channelsFirst?: boolean;
}

export interface ImportedModel {
  /** Starts training from the file's values: they are what its parameters and states are initialized with. */
  readonly model: Model;
  /** Parameters and states by path: those that the file's names suggest. */
  readonly values: ReadonlyMap<string, HostTensor>;
  /** The file's texts. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads an ONNX model of one input: a classifier of images as frameworks export them, or what this package exports.
 * Opsets 7 to 24; the README lists the operators. Any batch size, also where the file has a number for it.
 *
 * The bytes may come from anywhere: they are checked, and nothing large is allocated on their word.
 *
 * @throws BnError `data` if the file is damaged or contradicts itself, `unsupported` for what is not imported, naming the
 * node, its operator and the opset
 */
export function importOnnx(
  bytes: Uint8Array,
  {
    batchNorm = 'frozen',
    trainable = (_, isWeight) => isWeight,
    logits = false,
    channelsFirst = false,
    ...options
  }: ImportOptions = {},
): ImportedModel {
  const graph = readGraph(bytes);
  const output = chooseOutput(graph, options.output, logits);
  const weights = findWeights(graph, trainable);
  const network = createNetwork({ graph, weights, output, batchNorm });
  const { dtype, shape } = graph.input;
  const own = defineModel(network, { input: { dtype, shape } });
  const model = channelsFirst && hasChannelsLast(shape) ? withChannelsFirst(own) : own;
  const { parameters, states } = trace(model, input('features', model.input.shape, dtype));
  const never = { uniform: () => 0, normal: () => 0, integer: () => 0 };
  const values = [...parameters, ...states].map(([path, { shape, initializer }]) => {
    return [path, { shape, data: initializer(shape, never) }] as const;
  });
  return { model, values: new Map(values), metadata: graph.metadata };
}

function chooseOutput({ outputs, nodes, constants }: OnnxGraph, wanted: string | undefined, logits: boolean): string {
  const output = wanted ?? (outputs.includes('logits') ? 'logits' : outputs[0]!);
  const maker = nodes.find((node) => node.outputs.includes(output));
  if (!maker) {
    const what = constants.has(output) ? 'is a constant' : 'is not there';
    throw new BnError('argument', `the output '${output}' ${what}; the outputs are ${outputs.join(', ')}`);
  }
  const isSoftmax = maker.operator === 'Softmax' || maker.operator === 'LogSoftmax';
  return logits && isSoftmax ? maker.inputs[0]! : output;
}

/** Whether a shape can only be that of images with their channels last. */
function hasChannelsLast(shape: Shape): boolean {
  const isChannels = (n: number | null | undefined) => n === 1 || n === 3;
  return shape.length === 4 && isChannels(shape[3]) && !isChannels(shape[1]);
}

function withChannelsFirst({ network, input: { dtype, shape } }: Model): Model {
  const [batch, height, width, channels] = shape as [null, number, number, number];
  return defineModel((x, scope) => network(ops.transpose(x, [0, 2, 3, 1]), scope), {
    input: { dtype, shape: [batch, channels, height, width] },
  });
}
