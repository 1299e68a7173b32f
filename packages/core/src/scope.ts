// What a layer gets besides its input: a place for its parameters and states, and the facts of the trace.

import { BnError } from './errors.js';
import type { Initializer } from './initializers.js';
import { formatShape, type Spec } from './spec.js';
import { input, type Tensor, withOrigin } from './tensor.js';

/** A layer, a block and a whole network are the same thing: a function of a tensor and a scope. */
export type Layer = (x: Tensor, scope: Scope) => Tensor;

export interface Scope {
  /** Where in the network this is, e.g. `block1.bn2`; empty at the root. */
  readonly path: string;
  /** True while a training graph is traced, false for prediction and in layers whose states are not trained. */
  readonly training: boolean;
  /** A trained float32 tensor, named by `path.name` in checkpoints and exports. */
  parameter(name: string, shape: readonly number[], initializer: Initializer): Tensor;
  /** A float32 tensor that is kept from step to step but not trained, e.g. a running mean. */
  state(name: string, shape: readonly number[], initializer: Initializer): Tensor;
  /**
   * Sets the value that a state has after this training step. If the state follows a variance, `variance` says of what:
   * `recalibrate` then adds what the means of its batches differ by.
   */
  update(name: string, next: Tensor, variance?: FollowedVariance): void;
  /** Uniform numbers in 0 ≤ u < 1, new at every step, from the run's seed: the same on every backend. */
  random(shape: readonly number[]): Tensor;
  /** The scope of an inner layer. */
  child(name: string): Scope;
}

/** What a state that follows the variance of batches is about. */
export interface FollowedVariance {
  /** The state, of the same scope, that follows the mean. */
  readonly around: string;
  /** The number of values, if the sum of squares is divided by one less (unbiased). */
  readonly unbiasedOf?: number | undefined;
}

/** A parameter or a state: its tensor in the trace and its first value. */
export interface Variable {
  readonly tensor: Tensor;
  readonly shape: readonly number[];
  readonly initializer: Initializer;
  /** What made it, if that is known. */
  readonly use: Use | undefined;
}

/** One use of a layer in a trace. */
interface Use {
  readonly layer: Layer;
}

/** All that a trace has collected, by path, in the order of creation. */
export class Variables {
  readonly parameters = new Map<string, Variable>();
  readonly states = new Map<string, Variable>();
  readonly updates = new Map<string, Tensor>();
  /** Of updates that follow a variance. `around` is a path. */
  readonly variances = new Map<string, FollowedVariance>();
  readonly randoms = new Map<string, Spec>();
  /** Where the batch is mixed: how much of each example is itself, a scalar; the rest is its partner (see `mixup`). */
  share: Tensor | null = null;
  /** Layers that compute as in prediction, by path. */
  readonly frozen: ReadonlySet<string>;

  constructor(frozen: ReadonlySet<string> = new Set()) {
    this.frozen = frozen;
  }
}

/** Where a scope keeps what it belongs to, also in a copy of it. */
const collection = Symbol('variables');

/** What the trace that a scope belongs to has collected. */
export function variablesIn(scope: Scope): Variables {
  return (scope as Scope & { readonly [collection]: Variables })[collection];
}

/** Names of a step graph's other inputs and outputs, which no path may take. */
const reserved = /^(features|labels|learningRate|averageWeight|step|loss|answer|output|random\.\d+)$/;

/** The root scope of a trace that collects into `variables`. */
export function createScope(variables: Variables, training: boolean, path = ''): Scope {
  const full = (name: string) => {
    if (!/^\w[\w-]*$/.test(name)) {
      const problem = `'${name}' cannot be the name of a layer or parameter`;
      throw new BnError('argument', `${problem}; use letters, digits, _ and -`);
    }
    return path === '' ? name : `${path}.${name}`;
  };
  const declare = (table: Map<string, Variable>, name: string, shape: readonly number[], initializer: Initializer) => {
    const key = full(name);
    const use = uses.get(scope);
    const shared = table.get(key);
    if (use && shared?.use && shared.use !== use && shared.use.layer === use.layer) {
      if (formatShape(shared.shape) === formatShape(shape)) return variables.updates.get(key) ?? shared.tensor;
      const seen = `${formatShape(shared.shape)} where the layer is used first, and would be ${formatShape(shape)} here`;
      const cure = 'a layer that is used twice needs inputs with the same channels';
      throw new BnError('shape', `'${key}' is ${seen}; ${cure}`);
    }
    if (variables.parameters.has(key) || variables.states.has(key) || reserved.test(key)) {
      const cure = 'give each layer a name (and scope) of its own, or use one layer twice to share them';
      throw new BnError('argument', `there are two values named '${key}'; ${cure}`);
    }
    const tensor = input(key, shape);
    table.set(key, { tensor, shape, initializer, use });
    return tensor;
  };
  const scope: Scope & { readonly [collection]: Variables } = {
    [collection]: variables,
    path,
    training: training && !variables.frozen.has(path),
    parameter: (name, shape, initializer) => declare(variables.parameters, name, shape, initializer),
    state: (name, shape, initializer) => declare(variables.states, name, shape, initializer),
    update(name, next, variance) {
      const key = full(name);
      const state = variables.states.get(key);
      if (!state) throw new BnError('argument', `there is no state '${key}' to update; call scope.state first`);
      if (formatShape(state.shape) !== formatShape(next.shape)) {
        const expected = formatShape(state.shape);
        throw new BnError('shape', `update of '${key}': expected ${expected}, got ${formatShape(next.shape)}`);
      }
      variables.updates.set(key, next);
      if (variance) variables.variances.set(key, { ...variance, around: full(variance.around) });
    },
    random(shape) {
      const name = `random.${variables.randoms.size}`;
      variables.randoms.set(name, { shape, dtype: 'float32' });
      return input(name, shape);
    },
    child: (name) => createScope(variables, training, full(name)),
  };
  return scope;
}

/** In which use of a layer a scope is. */
const uses = new WeakMap<Scope, Use>();

/**
 * Runs a layer's body, that of `layer` if that is given; nodes and errors carry the scope's path.
 *
 * @throws `argument` if `layer` is not a function, or gives no tensor
 */
export function within<T>(scope: Scope, body: () => T, layer?: Layer): T {
  const outer = uses.get(scope);
  if (layer) uses.set(scope, { layer });
  try {
    const result = withOrigin({ layer: scope.path }, body);
    return layer ? requireTensor(result, scope.path === '' ? 'the network' : `the layer '${scope.path}'`) : result;
  } catch (error) {
    if (layer === undefined || typeof layer === 'function') throw error;
    throw new BnError('argument', `'${scope.path}' is ${layer}, not a layer: a function (x, scope) => …`, {
      cause: error,
    });
  } finally {
    if (outer) uses.set(scope, outer);
  }
}

/** What a layer has returned. */
function requireTensor<T>(result: T, layer: string): T {
  if (result && typeof result === 'object' && 'op' in result && 'shape' in result) return result;
  const isPromise = typeof (result as { then?: unknown } | null | undefined)?.then === 'function';
  const [what, cure] = isPromise
    ? ['a promise', 'a layer is an ordinary function, not an async one']
    : [`${result}`, result === undefined ? "is a 'return' missing?" : 'a layer returns a tensor'];
  throw new BnError('argument', `${layer} returns ${what} instead of a tensor; ${cure}`);
}

/**
 * A layer that can be used several times: the same function again under the same path has the same parameters and states.
 *
 *     const shared = conv2d(8, { kernelSize: 3, padding: 1 });
 *     const network: Layer = (x, scope) => shared(shared(x, scope.child('conv')), scope.child('conv'));
 *
 * Gradients of all uses add up, and each use finds states as the one before has updated them, as in PyTorch. Another layer
 * of that path is an error; one layer under two paths has two sets of parameters.
 */
export function defineLayer(body: Layer): Layer {
  const layer: Layer = (x, scope) => within(scope, () => body(x, scope), layer);
  return layer;
}
