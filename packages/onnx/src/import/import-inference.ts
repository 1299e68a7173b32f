// An ONNX model as a graph that predicts, as the file has it: its input, its outputs, its weights as constants.

import { BnError, bindInputs, createGraph, defineModel, input, trace } from '@bn/core';
import { createNetwork } from './network.js';
import { type OnnxGraph, readGraph } from './read-graph.js';
import type { Predicting } from './signature.js';
import { findWeights } from './weights.js';

/** The graph has the file's input and outputs, by their names, with a symbolic batch; `metadata` are the file's texts. */
export type ImportedInference = Predicting;

/**
 * Reads an ONNX model to predict with, on any backend: `importOnnx` is for training it further. The same models are read,
 * and the same errors thrown. `signatureOf` tells what it takes and gives.
 */
export function importInference(bytes: Uint8Array): ImportedInference {
  return inferenceOf(readGraph(bytes));
}

export function inferenceOf(graph: OnnxGraph): ImportedInference {
  const { name, dtype, shape } = graph.input;
  const weights = findWeights(graph, () => false);
  const features = input(name, shape, dtype);
  const traces = graph.outputs.map((output) => {
    const network = createNetwork({ graph, weights, output, batchNorm: 'frozen' });
    return [output, trace(defineModel(network, { input: { dtype, shape } }), features).output] as const;
  });
  const values = new Map([...weights.byName.values()].map((weight) => [weight.path, weight]));
  for (const weight of [...weights.byBatchNorm.values()].flat()) if (weight) values.set(weight.path, weight);
  const whole = createGraph(new Map(traces));
  if (!whole.inputs.has(name)) {
    const problem = `nothing that the model computes depends on its input '${name}'`;
    throw new BnError('unsupported', `${problem}; use another copy`);
  }
  return { graph: bindInputs(whole, values), input: { name, spec: { dtype, shape } }, metadata: graph.metadata };
}
