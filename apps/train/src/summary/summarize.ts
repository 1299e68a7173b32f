// What a network is made of and what it costs, found in its graphs: nothing is computed.

import { loadData, outlineOf, UsageError } from '@bn/command-line';
import {
  createGraph,
  input,
  isOp,
  type Model,
  type Shape,
  type Spec,
  sizeOf,
  type Tensor,
  trace,
  trainingStepGraph,
} from '@bn/core';
import { dataOptions, type RunConfig } from '../config/settings.js';
import { loadNetwork, type Network } from '../load/load-network.js';
import { objectiveOf, optimizerOf } from '../run/learning-rule.js';

interface LayerSummary {
  /** Path of the layer; empty for what is outside all layers. */
  readonly layer: string;
  /** Of its output, without the batch. */
  readonly shape: Shape;
  readonly parameters: number;
  /** Of convolutions and products of matrices, for one example. */
  readonly multiplyAdds: number;
}

/** Bytes in a training step. */
export interface MemorySummary {
  readonly parameters: number;
  readonly gradients: number;
  /** What the optimizer keeps for each parameter. */
  readonly optimizer: number;
  /** Running statistics. */
  readonly states: number;
  readonly batch: number;
  /** What the forward direction computes and the backward direction reads. */
  readonly activations: number;
}

export interface NetworkSummary {
  readonly model: string;
  readonly input: Shape;
  readonly batchSize: number;
  readonly layers: readonly LayerSummary[];
  readonly parameters: number;
  readonly multiplyAdds: number;
  readonly memory: MemorySummary;
}

export interface SummaryOptions {
  /** The data was named: its images and classes count, and not sizes alone. */
  readonly ofData: boolean;
  readonly classes: number | null;
}

/** @throws UsageError if it is not known what an example is; whatever `train` throws for the same network and data */
export async function summarize(
  config: RunConfig,
  workingFolder: string,
  options: SummaryOptions,
): Promise<NetworkSummary> {
  const network = await loadNetwork(config, workingFolder);
  const { shape, dtype, outputs } = await exampleOf(network, config, options);
  const model = network.modelFor({ shape, outputs }, 'trained');
  const { batchSize } = config;
  // Pixels are bytes, where the network lets them be.
  const isImage = model.input.dtype === 'float32' && shape.length === 3 && network.signed === null;
  const features: Spec = { shape: [batchSize, ...shape], dtype: dtype ?? (isImage ? 'uint8' : model.input.dtype) };
  const traced = trace(model, input('features', features.shape, features.dtype));
  const layers = layersOf(traced, batchSize);
  const total = (count: (layer: LayerSummary) => number) => layers.reduce((sum, layer) => sum + count(layer), 0);
  const parameters = total((layer) => layer.parameters);
  return {
    ...{ model: config.model, input: shape, batchSize, layers, parameters },
    multiplyAdds: total((layer) => layer.multiplyAdds),
    memory: memoryOf(model, features, traced.output.shape.at(-1) ?? 1, config),
  };
}

/** What an example of the data is, or would be by the sizes that are given; and how many values the network gives for it. */
async function exampleOf(
  network: Network,
  config: RunConfig,
  { ofData, classes }: SummaryOptions,
): Promise<{ shape: readonly number[]; dtype: Spec['dtype'] | null; outputs: number }> {
  const { imageSize, channels } = config;
  const known = classes ?? network.signed?.signature.output.size;
  if (!ofData && (network.shape !== null || imageSize !== null)) {
    const shape = network.shape ?? [Number(channels ?? 3), imageSize!, imageSize!];
    // A network of the user's own has as many outputs as it has.
    return { shape, dtype: null, outputs: known ?? (network.file === null ? 10 : 1) };
  }
  if (!ofData && (channels !== null || classes !== null)) {
    throw new UsageError('--channels and --classes without --data need --image-size, such as --image-size 224');
  }
  const { train, outputs } = (await outlineOf(config)) ?? (await loadData(dataOptions(config), network.shape));
  const { shape, dtype } = train.features;
  return { shape: shape as readonly number[], dtype, outputs: known ?? outputs };
}

function layersOf({ output, parameters }: ReturnType<typeof trace>, batchSize: number): LayerSummary[] {
  const layers = new Map<string, LayerSummary>();
  const unused = new Map([...parameters].map(([path, { shape }]) => [path, sizeOf(shape)]));
  for (const node of createGraph({ output }).nodes) {
    if (node.op === 'input' || node.op === 'constant') continue;
    const { layer } = node.origin;
    const before = layers.get(layer);
    // A parameter is of the layer that uses it first.
    const own = node.inputs.flatMap((x) => (isOp(x, 'input') ? [x.attributes.name] : []));
    const parameters = own.reduce((sum, path) => sum + (unused.get(path) ?? 0), before?.parameters ?? 0);
    for (const path of own) unused.delete(path);
    const multiplyAdds = (before?.multiplyAdds ?? 0) + multiplyAddsOf(node) / batchSize;
    layers.delete(layer); // a layer around others stands where it ends
    layers.set(layer, { layer, shape: node.shape.slice(1), parameters, multiplyAdds });
  }
  const rest = [...unused].map(([layer, parameters]) => ({ layer, shape: [], parameters, multiplyAdds: 0 }));
  return [...layers.values(), ...rest];
}

function multiplyAddsOf(node: Tensor): number {
  const size = (x: Tensor) => sizeOf(x.shape);
  if (isOp(node, 'conv2d')) return size(node) * sizeOf(node.inputs[1].shape.slice(1));
  // A transposed convolution: each value that it takes goes into a window of each output channel.
  if (isOp(node, 'conv2dInputGradient')) return size(node.inputs[0]) * sizeOf(node.inputs[1].shape.slice(1));
  if (isOp(node, 'matmul')) return size(node) * node.inputs[0].shape.at(node.attributes.transposeA ? -2 : -1)!;
  return 0;
}

function memoryOf(model: Model, features: Spec, outputs: number, config: RunConfig): MemorySummary {
  const optimizer = optimizerOf(config);
  const perExample = config.task === 'classify' ? [] : [outputs];
  const labels: Spec = {
    shape: [features.shape[0]!, ...perExample],
    dtype: config.task === 'classify' ? 'int32' : 'float32',
  };
  const step = trainingStepGraph(model, objectiveOf(config, outputs), optimizer, { features, labels });
  const { parameters, states } = trace(model, input('features', features.shape, features.dtype), { training: true });
  const bytes = (variables: typeof parameters) =>
    4 * [...variables.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const kept = new Set<Tensor>();
  for (const node of step.nodes) {
    if (node.origin.direction !== 'backward') continue;
    for (const x of node.inputs.map(storedAs)) {
      if (x.op !== 'input' && x.op !== 'constant' && x.origin.direction === 'forward') kept.add(x);
    }
  }
  return {
    ...{ parameters: bytes(parameters), gradients: bytes(parameters) },
    ...{ optimizer: optimizer.slots.length * bytes(parameters), states: bytes(states) },
    ...{ batch: bytesOf(features), activations: [...kept].reduce((sum, x) => sum + bytesOf(x), 0) },
  };
}

/** The tensor whose values another one shows in a different shape. */
function storedAs(x: Tensor): Tensor {
  return isOp(x, 'reshape') || isOp(x, 'broadcastTo') ? storedAs(x.inputs[0]) : x;
}

function bytesOf({ shape, dtype }: Spec): number {
  return sizeOf(shape) * (dtype === 'uint8' || dtype === 'bool' ? 1 : 4);
}
