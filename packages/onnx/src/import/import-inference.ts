// An ONNX model as a graph that predicts, as the file has it: its input, its outputs, its weights as constants.

import { BnError, bindInputs, createGraph, type Graph, input, type Spec, trace } from '@bn/core';
import { createNetwork } from './network.js';
import { type OnnxGraph, type ReadOptions, readGraph } from './read-graph.js';
import { findWeights } from './weights.js';

/** A model that predicts, its weights constants. */
export interface ImportedInference {
  /** With the file's input and outputs, by their names, and a symbolic batch. */
  readonly graph: Graph;
  readonly input: { readonly name: string; readonly spec: Spec };
  /** The file's texts. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads an ONNX model to predict with, on any backend: `importOnnx` is for training it further. The same models are read,
 * and the same errors thrown. `signatureOf` tells what it takes and gives.
 */
export function importInference(bytes: Uint8Array, options: ReadOptions = {}): ImportedInference {
  return inferenceOf(readGraph(bytes, options));
}

export function inferenceOf(graph: OnnxGraph): ImportedInference {
  const { name, dtype, shape } = graph.input;
  const whole = outputsOf(graph);
  if (!whole.inputs.has(name)) {
    const problem = `nothing that the model computes depends on its input '${name}'`;
    throw new BnError('unsupported', `${problem}; use another copy`);
  }
  return { graph: whole, input: { name, spec: { dtype, shape } }, metadata: graph.metadata };
}

/** All outputs, those too that do not depend on the input. */
export function outputsOf(graph: OnnxGraph): Graph {
  const { name, dtype, shape } = graph.input;
  const weights = findWeights(graph, () => false);
  const features = input(name, shape, dtype);
  const traces = graph.outputs.map((output) => {
    const network = createNetwork({ graph, weights, output, batchNorm: 'frozen' });
    return [output, trace({ network, input: { dtype, shape } }, features).output] as const;
  });
  const all = [...weights.byName.values(), ...[...weights.byBatchNorm.values()].flat()];
  const values = new Map(all.flatMap((weight) => (weight ? [[weight.path, weight] as const] : [])));
  return bindInputs(createGraph(new Map(traces)), values);
}
