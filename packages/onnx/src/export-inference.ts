// A trained model as an ONNX model for prediction.

import {
  BnError,
  classification,
  createGraph,
  type Graph,
  type HostTensor,
  input,
  type Model,
  type Objective,
  type Tensor,
  trace,
} from '@bn/core';
import { foldAffine } from './fold-affine.js';
import { toOnnx } from './to-onnx.js';

export interface ExportInferenceOptions {
  /**
   * What the exported model takes: `float32`, values as the network gets them, or `uint8`, pixels from 0 to 255, which
   * the exported model itself brings to 0..1. Default: `uint8` for a network of float32, which is what data sets of
   * images hold.
   */
  readonly input?: 'uint8' | 'float32' | undefined;
  /**
   * Multiplies batch normalization (and whatever else is a scale and a shift per channel) into the convolution or dense
   * layer before it. Default false.
   */
  readonly fold?: boolean | undefined;
  /** What the network has learned, which says what is given; default: classification, for a network of [batch, classes]. */
  readonly objective?: Objective | undefined;
  /** Texts for the model's `metadata_props`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/**
 * The bytes of an ONNX model (opset 17, IR version 8) that predicts.
 *
 * Input `features` [batch, …] with any batch size. Outputs `logits` [batch, classes], what the network gives, and
 * `probabilities`, their softmax, or `scores`, their sigmoid, by the objective; `values` alone after a regression. A network
 * that gives anything but [batch, classes] has the one output `output`.
 * Parameters and running statistics are initializers, named by their paths.
 *
 * @param values parameters and states by path, as `trainer.values()` gives them; others are ignored
 * @throws `checkpoint` if a value is missing, `shape` if one does not fit the model, `argument` for uint8 pixels into a
 * network that takes other input than float32
 */
export function exportInference(
  model: Model,
  values: ReadonlyMap<string, HostTensor>,
  { input: dtype, fold = false, objective = classification(), metadata = {} }: ExportInferenceOptions = {},
): Uint8Array {
  const { graph, variables } = inferenceGraph(model, objective, dtype);
  const missing = variables.find((path) => graph.inputs.has(path) && !values.has(path));
  if (missing !== undefined) {
    throw new BnError('checkpoint', `there is no value for '${missing}'; pass all that trainer.values() gives`);
  }
  const own = new Map(variables.flatMap((path) => (values.has(path) ? [[path, values.get(path)!] as const] : [])));
  const whole = { graph, values: own };
  const result = fold ? foldAffine(whole) : whole;
  return toOnnx(result.graph, { initializers: result.values, metadata });
}

function inferenceGraph(
  model: Model,
  { gives }: Objective,
  wanted?: 'uint8' | 'float32',
): { graph: Graph; variables: string[] } {
  const { shape, dtype } = model.input;
  if (wanted !== undefined && dtype !== 'float32' && dtype !== wanted) {
    throw new BnError('argument', `the network takes ${dtype}, not ${wanted}; leave the input type out`);
  }
  const type = wanted ?? (dtype === 'float32' ? 'uint8' : dtype);
  const { output, parameters, states } = trace(model, input('features', shape, type));
  const hasMeaning = output.shape.length === 2 && output.shape[1] !== null;
  const given = gives.of(output);
  const outputs: Record<string, Tensor> = !hasMeaning
    ? { output }
    : { ...(given !== output && { logits: output }), [gives.kind]: given };
  return { graph: createGraph(outputs), variables: [...parameters.keys(), ...states.keys()] };
}
