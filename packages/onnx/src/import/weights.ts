// Which initializers of a model are weights: what training may change, or at least what a checkpoint holds.

import { BnError } from '@bn/core';
import type { OnnxGraph, OnnxNode } from './read-graph.js';
import type { Constant } from './value.js';

export interface Weight {
  /** Path of the parameter or state, made from the initializer's name. */
  readonly path: string;
  /** A parameter, else a state. */
  readonly trained: boolean;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Scale and bias may be computed instead: then they are undefined. */
export type BatchNormWeights = readonly [Weight | undefined, Weight | undefined, mean: Weight, variance: Weight];

export interface Weights {
  /** By the name of the ONNX value. */
  readonly byName: ReadonlyMap<string, Weight>;
  /** Of each BatchNormalization: scale, bias, mean, variance; each has its own, also where a file shares equal ones. */
  readonly byBatchNorm: ReadonlyMap<OnnxNode, BatchNormWeights>;
}

/** Inputs that are weights, by operator. */
const weightInputs: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  PRelu: [1],
};

/** Operators that pass a weight on in another form. */
const passing = new Set(['Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten']);

/**
 * Weights are the initializers of Conv, Gemm, MatMul and BatchNormalization, and what is added to a product.
 *
 * @param trainable whether a float32 initializer of this name is trained, given whether it is a weight
 */
export function findWeights(graph: OnnxGraph, trainable: (name: string, isWeight: boolean) => boolean): Weights {
  const nameOf = createNamer();
  const sourceOf = sources(graph);
  const makers = makersOf(graph.nodes);
  const weight = (name: string, trained: boolean): Weight => {
    const { shape, data } = graph.constants.get(name)!;
    return { path: nameOf(name), trained, shape, data: data as Float32Array };
  };
  const names = new Set<string>();
  const normalizing = new Set<string>();
  const byBatchNorm = new Map<OnnxNode, BatchNormWeights>();
  for (const node of graph.nodes) {
    for (const i of weightInputsOf(node, makers)) {
      const source = sourceOf.get(node.inputs[i] ?? '');
      if (source !== undefined && isNumbers(graph.constants.get(source))) names.add(source);
    }
    const statistics = batchNormSources(node, graph, sourceOf);
    if (statistics) {
      for (const name of statistics) if (name !== undefined) normalizing.add(name);
      const [scale, bias, mean, variance] = statistics;
      const trained = (name: string | undefined) => (name === undefined ? name : weight(name, trainable(name, true)));
      byBatchNorm.set(node, [trained(scale), trained(bias), weight(mean, false), weight(variance, false)]);
    }
  }
  for (const [name, constant] of graph.constants) {
    if (!names.has(name) && !normalizing.has(name) && isNumbers(constant) && trainable(name, false)) names.add(name);
  }
  const byName = new Map([...names].map((name) => [name, weight(name, trainable(name, true))]));
  return { byName, byBatchNorm };
}

export function isNumbers(constant: Constant | undefined): constant is Constant {
  return constant?.dtype === 'float32' && constant.data.length > 0;
}

/** The initializer that a value is, perhaps in another form. */
function sources({ nodes, constants }: OnnxGraph): ReadonlyMap<string, string> {
  const found = new Map([...constants.keys()].map((name) => [name, name]));
  for (const { operator, inputs, outputs } of nodes) {
    const source = found.get(inputs[0] ?? '');
    if (source !== undefined && passing.has(operator)) found.set(outputs[0]!, source);
  }
  return found;
}

/**
 * The node that has computed a value, before what only gives it another form: Keras writes a transposition and casts of float32
 * to float32 between a product and its bias.
 */
export function makersOf(nodes: readonly OnnxNode[]): ReadonlyMap<string, OnnxNode> {
  const makers = new Map<string, OnnxNode>();
  for (const node of nodes) {
    const isForm = node.operator === 'Cast' || passing.has(node.operator);
    const maker = (isForm && makers.get(node.inputs[0] ?? '')) || node;
    for (const name of node.outputs) makers.set(name, maker);
  }
  return makers;
}

/** Which inputs of a node are weights, if they are initializers. */
export function weightInputsOf(
  { operator, inputs }: OnnxNode,
  makers: ReadonlyMap<string, OnnxNode>,
): readonly number[] {
  const isProduct = (name: string | undefined) => Object.hasOwn(weightInputs, makers.get(name ?? '')?.operator ?? '');
  if (operator === 'Add') return [0, 1].filter((i) => isProduct(inputs[1 - i]));
  return Object.hasOwn(weightInputs, operator) ? weightInputs[operator]! : [];
}

/** Initializers of scale, bias, mean and variance, if the last two are some. */
function batchNormSources(
  { operator, inputs, title }: OnnxNode,
  { constants }: OnnxGraph,
  sourceOf: ReadonlyMap<string, string>,
): [string | undefined, string | undefined, string, string] | undefined {
  if (operator !== 'BatchNormalization') return undefined;
  if (inputs.length !== 5) throw new BnError('data', `${title}: it has ${inputs.length} inputs instead of 5`);
  const [scale, bias, mean, variance] = inputs.slice(1).map((name) => {
    const source = sourceOf.get(name);
    const constant = constants.get(source ?? '');
    return isNumbers(constant) && constant.shape.length === 1 ? source : undefined;
  });
  return mean === undefined || variance === undefined ? undefined : [scale, bias, mean, variance];
}

/** First names that a trainer has for other things. */
const reserved = /^(features|labels|learningRate|step|loss|answer|output|optimizer|random)$/;

/** Gives each name of a file a path of its own: `features.0.weight` becomes `features._0.weight`. */
function createNamer(): (name: string) => string {
  const counts = new Map<string, number>();
  const nameOf = (name: string): string => {
    const parts = name.split(/[./:\s]+/).filter((part) => part !== '');
    const words = parts.map((part) => part.replace(/[^\w-]/g, '_').replace(/^(?![A-Za-z_])/, '_'));
    if (words.length === 0) words.push('weight');
    // `features.0.weight` is a layer of many networks; a parameter called `features` would be the input.
    if (reserved.test(words[0]!) && (words.length === 1 || /^(optimizer|random)$/.test(words[0]!))) {
      words[0] = `_${words[0]}`;
    }
    const wanted = words.join('.');
    const count = (counts.get(wanted) ?? 0) + 1;
    counts.set(wanted, count);
    return count === 1 ? wanted : nameOf(`${wanted}_${count}`);
  };
  return nameOf;
}
