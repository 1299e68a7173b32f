// A network together with what it takes as input: what can be traced, trained and exported.

import { BnError } from './errors.js';
import { cast, mul } from './ops/elementwise.js';
import { createScope, type Layer, Variables, within } from './scope.js';
import { formatShape, formatSpec, type Spec } from './spec.js';
import { input, type Tensor } from './tensor.js';
import { layerOf } from './training/layer-outputs.js';

export interface Model {
  readonly network: Layer;
  /** Spec of the input, its batch dimension `null`: e.g. float32 [null, 1, 28, 28]. */
  readonly input: Spec;
  /**
   * Whether training changes the parameter or state of this path; by default all. Other parameters have no gradient. A layer
   * with states of which none is trained computes as in prediction, and keeps them: batch normalization is frozen.
   */
  readonly trainable?: ((path: string) => boolean) | undefined;
}

/** One trace of a model: the output, and every parameter and state it uses. */
export interface Trace extends Variables {
  readonly output: Tensor;
}

/**
 * A model from a network and the spec of its input.
 *
 * @throws `argument` if the input's first dimension is not the symbolic batch, or the input is not a spec.
 */
export function defineModel(network: Layer, { input }: { input: Spec }): Model {
  const isWhole = (n: unknown) => n === null || (Number.isSafeInteger(n) && (n as number) > 0);
  if (!Array.isArray(input?.shape) || !input.shape.every(isWhole) || typeof input.dtype !== 'string') {
    const found = JSON.stringify(input);
    throw new BnError(
      'argument',
      `a model's input is like { shape: [null, 1, 28, 28], dtype: 'float32' }, got ${found}`,
    );
  }
  if (input.shape[0] !== null) {
    const seen = formatShape(input.shape);
    throw new BnError('argument', `a model's input starts with the batch dimension null, got ${seen}`);
  }
  return { network, input };
}

/**
 * Traces the model on `x`: either a tensor of the model's input spec or uint8 of that shape, which becomes float32
 * in 0..1 (x / 255).
 *
 * @throws `shape` or `dtype` if x is not an input of the model.
 */
export function trace(
  model: Model,
  x: Tensor,
  { training = false }: { readonly training?: boolean | undefined } = {},
): Trace {
  const { shape, dtype } = model.input;
  const scaled = x.dtype === 'uint8' && dtype === 'float32' ? mul(cast(x, 'float32'), 1 / 255) : x;
  const fits = x.shape.length === shape.length && shape.every((n, i) => n === null || n === x.shape[i]);
  if (!fits || scaled.dtype !== dtype) {
    throw new BnError('shape', `the model takes ${formatSpec(model.input)}, but the data is ${formatSpec(x)}`);
  }
  const variables = new Variables(training ? frozenLayers(model) : undefined);
  const scope = createScope(variables, training);
  const output = within(scope, () => model.network(scaled, scope), model.network);
  return Object.assign(variables, { output });
}

/** Traces the model on an input `features` of this spec. */
export function traceOn(model: Model, { shape, dtype }: Spec, options?: { training: boolean }): Trace {
  return trace(model, input('features', shape, dtype), options);
}

/** Layers with states of which none is trained. */
function frozenLayers(model: Model): ReadonlySet<string> {
  const { trainable } = model;
  if (!trainable) return new Set();
  const paths = [...variablesOf(model).states.keys()];
  const moving = new Set(paths.filter(trainable).map(layerOf));
  return new Set(paths.map(layerOf).filter((layer) => !moving.has(layer)));
}

/** The model's parameters and states, by path: those of a batch of two, as batch normalization refuses one. */
export function variablesOf({ network, input: { shape, dtype } }: Model): Variables {
  const model = { network, input: { shape, dtype } };
  return traceOn(model, { shape: [2, ...shape.slice(1)], dtype }, { training: true });
}
