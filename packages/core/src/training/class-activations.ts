// Where a network looks for a class: Grad-CAM.

import type { Backend } from '../backend.js';
import { BnError } from '../errors.js';
import { gradients } from '../gradients.js';
import { createGraph, type Graph } from '../graph.js';
import { type Model, traceOn } from '../model.js';
import { oneHot } from '../ops/composed.js';
import { mul } from '../ops/elementwise.js';
import { relu } from '../ops/fused.js';
import { mean, sum } from '../ops/reduction.js';
import { simplify } from '../simplify/simplify.js';
import { formatShape, type HostTensor, type Spec, staticShape, type TypedArray } from '../spec.js';
import { input, type Tensor } from '../tensor.js';
import { featureSpec } from './batches.js';
import { layerOutputs } from './layer-outputs.js';
import { type HostInput, Runner } from './runner.js';

export interface ClassActivations {
  /** float32 `[batch, height, width]`, row-major: 0 where nothing speaks for the class, larger where more does. */
  readonly maps: Float32Array;
  readonly shape: readonly [batch: number, height: number, width: number];
  /** The layer whose output was looked at. */
  readonly layer: string;
}

export interface ClassActivationOptions {
  readonly model: Model;
  readonly backend: Backend;
  /** Parameters and states by path, as `trainer.values()` has them. */
  readonly values: ReadonlyMap<string, HostTensor>;
  /** Examples one after another, row-major. */
  readonly features: TypedArray;
  /** For which class each example is looked at; any, not only the one that the network says. */
  readonly classes: Int32Array;
  /** Path of a layer that gives `[batch, channels, height, width]`. Default: the last one. */
  readonly layer?: string | undefined;
}

/**
 * Grad-CAM (Selvaraju et al., 2017, equations 1 and 2), in inference mode: the channels of a layer's output, weighed by the
 * mean of the class's gradient over each, added up, and cut off below 0. The score of a class is the model's own output, which
 * is to be a logit.
 *
 * @throws BnError `argument` if no layer gives such an output, or the one that is named does not; `shape` if there is not one
 *   class for each example
 */
export async function classActivations(options: ClassActivationOptions): Promise<ClassActivations> {
  const { model, backend, values, features, classes } = options;
  const spec = featureSpec(model, features);
  if (spec.shape[0] !== classes.length) {
    throw new BnError('shape', `there are ${classes.length} classes for ${spec.shape[0]} examples; give one each`);
  }
  const { graph, layer } = classActivationGraph(model, spec, options.layer);
  const missing = [...graph.inputs.keys()].find((name) => !['features', 'classes'].includes(name) && !values.has(name));
  if (missing !== undefined) {
    throw new BnError('argument', `the values have no '${missing}'; give those of the model's trainer`);
  }
  const runner = new Runner(backend);
  try {
    for (const [path, { shape, data }] of values) runner.set(path, backend.upload(data, { shape, dtype: 'float32' }));
    const data: HostInput[] = [
      ['features', features, spec],
      ['classes', classes, { shape: [classes.length], dtype: 'int32' }],
    ];
    const outputs = await runner.run(
      runner.compile('maps', () => graph),
      data,
      { random: [0] },
    );
    const shape = staticShape(outputs.get('maps')!.spec.shape) as [number, number, number];
    return { maps: Float32Array.from(await runner.take(outputs, 'maps')), shape, layer };
  } finally {
    await runner.dispose();
  }
}

/** Inputs: `features`, `classes` int32 [batch], and the model's values by path. Output: `maps`. */
function classActivationGraph(model: Model, features: Spec, wanted?: string): { graph: Graph; layer: string } {
  // Equal computations are one node from here on, so that the layers' nodes are those that the gradient meets.
  const output = createGraph({ output: traceOn(model, features).output }).outputs.get('output')!;
  if (output.shape.length !== 2) {
    const seen = `the model gives ${formatShape(output.shape)}`;
    throw new BnError('argument', `${seen}, and class activations are of models that give [batch, classes]`);
  }
  const outputs = layerOutputs(output);
  const isPictures = ({ op, shape }: Tensor) =>
    shape.length === 4 && shape[2]! * shape[3]! > 1 && op !== 'transpose' && op !== 'reshape';
  const suitable = [...outputs].filter(([layer, tensor]) => layer !== '' && isPictures(tensor));
  const found = wanted === undefined ? suitable.at(-1) : suitable.find(([layer]) => layer === wanted);
  if (!found) {
    const names = suitable.map(([layer]) => layer).join(', ') || 'none';
    const problem = `no layer ${wanted === undefined ? '' : `'${wanted}' `}gives [batch, channels, height, width]`;
    throw new BnError('argument', `${problem}; those that do: ${names}`);
  }
  const [layer, activation] = found;
  const classes = input('classes', [output.shape[0]!], 'int32');
  const score = sum(mul(output, oneHot(classes, output.shape[1]!)));
  const [slope] = gradients(score, [activation]) as [Tensor];
  const maps = relu(sum(mul(activation, mean(slope, [2, 3], { keepDims: true })), [1]));
  return { graph: simplify(createGraph({ maps })), layer };
}
