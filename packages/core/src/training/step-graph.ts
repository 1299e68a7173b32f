// The graphs a trainer runs: the whole training step, evaluation, recalibration of running statistics.

import { partners } from '../augment/mixed-batch.js';
import { mix } from '../augment/picture.js';
import { BnError } from '../errors.js';
import { gradients } from '../gradients.js';
import type { Graph } from '../graph.js';
import { type Model, type Trace, traceOn } from '../model.js';
import type { Objective } from '../objectives/objective.js';
import { add, cast, div, mul, sub } from '../ops/elementwise.js';
import type { Learned, Optimizer } from '../optimizers/optimizer.js';
import { numberOf } from '../simplify/numbers.js';
import { simplify } from '../simplify/simplify.js';
import { formatShape, type Spec, sameShape } from '../spec.js';
import { input, scalar, type Tensor, withOrigin } from '../tensor.js';
import type { Average } from './average.js';
import { layerOf, layerOutputs } from './layer-outputs.js';

/** Shapes and dtypes of one batch. */
export interface BatchSpec {
  readonly features: Spec;
  readonly labels: Spec;
}

/** What learns, what it learns, and how. */
export interface Learner {
  readonly model: Model;
  /** `classification()`, `multiLabel()`, `regression()`, or one of your own. */
  readonly objective: Objective;
  readonly optimizer: Optimizer;
  /** `ema()` or `swa()`: what is evaluated, predicts and is exported then. Default: the values themselves. */
  readonly average?: Average | undefined;
}

/** Path of an optimizer's slot for a parameter. */
export function slotPath(slot: string, parameter: string): string {
  return `optimizer.${slot}.${parameter}`;
}

/** Path of the average of a parameter or state. */
export function averagePath(path: string): string {
  return slotPath('average', path);
}

/**
 * Forward, backward, optimizer and running statistics: values in, new values out.
 *
 * Inputs: `features`, `labels`, `learningRate`, `step` (the number of this step, from 1), random numbers, and every
 * parameter, state and slot by its path. Outputs: `loss` (the mean over the batch), `sum:accuracy` and so on for each metric
 * (the sum over the batch), and the new value of each parameter, state and slot that is trained.
 */
export function trainingStepGraph(model: Model, objective: Objective, optimizer: Optimizer, spec: BatchSpec): Graph {
  return learnerGraph({ model, objective, optimizer }, spec);
}

/** The same, with the averages if the learner keeps any: in and out by `averagePath`, with the input `averageWeight`. */
export function learnerGraph(learner: Learner, spec: BatchSpec): Graph {
  return simplify(traceStep(learner, spec));
}

/** Name of the output that holds a metric's sum over the batch. */
export function sumName(metric: string): string {
  return `sum:${metric}`;
}

/** Something that a training step computes, by layer. */
export interface Observed {
  /** Path of the layer; empty for what is computed outside all layers, the loss among it. */
  readonly layer: string;
  /** `activation` is the layer's output; the last three are the values after the step. */
  readonly kind: 'activation' | 'loss' | 'gradient' | 'state' | 'parameter' | 'slot';
  /** Path of the parameter, state or slot; the layer's for an activation; `loss`. */
  readonly name: string;
}

/**
 * The training step with everything in it that can be compared as an output: also the output of each layer, and the
 * gradient of each parameter.
 *
 * @returns the graph, and for each output but the metrics' sums what it is: in the order of the network, activations, then loss,
 *   states, gradients, parameters, slots
 */
export function observedStepGraph(
  learner: Learner,
  spec: BatchSpec,
): { graph: Graph; observed: ReadonlyMap<string, Observed> } {
  const { traced, gradientOf, outputs } = traceStep(learner, spec);
  const observed = new Map<string, Observed>();
  const observe = (kind: Observed['kind'], name: string, layer = layerOf(name), output = name) =>
    observed.set(output, { layer, kind, name });
  // Paths have no spaces, so that these names are free.
  for (const [layer, tensor] of layerOutputs(traced.output)) {
    const output = `activation of ${layer || 'the network'}`;
    outputs.set(output, tensor);
    observe('activation', layer, layer, output);
  }
  observe('loss', 'loss', '');
  for (const path of traced.updates.keys()) observe('state', path);
  for (const [path, tensor] of gradientOf) {
    outputs.set(`gradient of ${path}`, tensor);
    observe('gradient', path, layerOf(path), `gradient of ${path}`);
  }
  for (const path of gradientOf.keys()) observe('parameter', path);
  for (const path of gradientOf.keys()) {
    for (const slot of learner.optimizer.slots) observe('slot', slotPath(slot, path), layerOf(path));
  }
  return { graph: simplify({ outputs }), observed };
}

function traceStep(learner: Learner, spec: BatchSpec): Traced {
  const computed = traceGradients(learner, spec);
  return { ...computed, outputs: new Map([...computed.outputs, ...updatesOf(learner, computed)]) };
}

/** A training step, or what it computes before the update. */
export interface Traced {
  readonly traced: Trace;
  /** The loss, states and metrics' sums, and what else the step gives. */
  readonly outputs: Map<string, Tensor>;
  /** By the path of a parameter. */
  readonly gradientOf: ReadonlyMap<string, Tensor>;
}

/**
 * The step before the update.
 *
 * @param weight what gradients are multiplied by: of a share of a batch, its part of the examples
 */
export function traceGradients({ model, objective }: Learner, spec: BatchSpec, weight = 1): Traced {
  const { traced, loss, sums } = traceObjective(model, objective, spec, true);
  const parameters = [...traced.parameters].filter(([path]) => model.trainable?.(path) ?? true);
  const slopes = gradients(
    loss,
    parameters.map(([, { tensor }]) => tensor),
    scalar(weight),
  );
  const gradientOf = new Map(parameters.map(([path], i) => [path, slopes[i]!]));
  return { traced, gradientOf, outputs: new Map([['loss', loss], ...traced.updates, ...sums]) };
}

/** The update: the new value of each parameter and slot, and of each average. @param outputs the new states among them */
export function updatesOf(
  { optimizer, average }: Learner,
  { traced, outputs, gradientOf }: Traced,
): Map<string, Tensor> {
  const learned = [...gradientOf].map(([path, gradient]): Learned => {
    const { tensor, shape } = traced.parameters.get(path)!;
    const slots = optimizer.slots.map((slot) => [slot, input(slotPath(slot, path), shape)] as const);
    return { path, value: tensor, gradient, slots: Object.fromEntries(slots) };
  });
  const updates = new Map(updated(optimizer, learned));
  if (average) {
    for (const path of [...traced.parameters.keys(), ...traced.states.keys()]) {
      const next = updates.get(path) ?? outputs.get(path);
      if (next) updates.set(averagePath(path), averaged(path, next));
    }
  }
  return updates;
}

/** The new value of each parameter and slot. */
function* updated(optimizer: Optimizer, learned: readonly Learned[]): Generator<[path: string, next: Tensor]> {
  const updates = optimizer.update(learned, { learningRate: input('learningRate', []), step: input('step', []) });
  for (const [i, { path, value }] of learned.entries()) {
    const { change, slots } = updates[i] ?? {};
    const next = change && withOrigin({ layer: layerOf(path), direction: 'update' }, () => sub(value, change));
    const all = [next, ...optimizer.slots.map((slot) => slots?.[slot])];
    const wrong = all.findIndex((tensor) => !tensor || !sameShape(tensor.shape, value.shape));
    if (wrong >= 0) {
      const what = wrong === 0 ? 'change' : `'${optimizer.slots[wrong - 1]}'`;
      const expected = `expected one of ${formatShape(value.shape)}, got ${all[wrong] ? formatShape(all[wrong].shape) : 'none'}`;
      throw new BnError('shape', `the optimizer's ${what} for '${path}': ${expected}`);
    }
    yield [path, next!];
    for (const slot of optimizer.slots) yield [slotPath(slot, path), slots![slot]!];
  }
}

/** At the weights 1 and 0 exactly the new value and the old average. */
function averaged(path: string, next: Tensor): Tensor {
  return withOrigin({ layer: layerOf(path), direction: 'update' }, () => {
    const weight = input('averageWeight', []);
    return add(mul(next, weight), mul(input(averagePath(path), next.shape), sub(1, weight)));
  });
}

/** Inference mode. Outputs: `loss`, the metrics' sums, and `answer`, what the network says of each example. */
export function evaluationGraph(model: Model, objective: Objective, spec: BatchSpec): Graph {
  const { traced, loss, sums } = traceObjective(model, objective, spec, false);
  return simplify({ outputs: new Map([['loss', loss], ...sums, ['answer', objective.answer(traced.output)]]) });
}

/** Inference mode without labels. Output: `output`. */
export function predictionGraph(model: Model, features: Spec): Graph {
  return simplify({ outputs: new Map([['output', traceOn(model, features).output]]) });
}

/**
 * For each state that averages over batches, the statistic of one batch under the present weights.
 *
 * An average is an update `next = a·old + b`; its fixed point b / (1 − a) is the batch's own statistic. a is the
 * derivative of the update, so this holds for any layer that averages, also a user's own. The states are to be fed as
 * zeros, which makes next = b without rounding. A state with a = 1 does not average, it counts or never moves: it is left out.
 */
export function recalibrationGraph(model: Model, features: Spec): Graph {
  const traced = traceOn(model, features, { training: true });
  const outputs = new Map<string, Tensor>();
  for (const [path, next] of traced.updates) {
    const [a] = gradients(next, [traced.states.get(path)!.tensor]) as [Tensor];
    const weightOfOld = simplify({ outputs: new Map([['a', a]]) }).outputs.get('a')!;
    if (numberOf(weightOfOld) !== 1) outputs.set(path, div(next, sub(1, a)));
  }
  return simplify({ outputs });
}

function traceObjective(model: Model, { loss, metrics }: Objective, spec: BatchSpec, training: boolean) {
  const labels = input('labels', spec.labels.shape, spec.labels.dtype);
  const traced = traceOn(model, spec.features, { training });
  /** By the labels; in a mixed batch also by those of the partners, each in its share. */
  const judged = (judge: (output: Tensor, labels: Tensor) => Tensor): Tensor => {
    const own = judge(traced.output, labels);
    if (!traced.share) return own;
    return mix(cast(judge(traced.output, partners(labels)), 'float32'), cast(own, 'float32'), traced.share);
  };
  const sums = Object.entries(metrics).map(([name, metric]) => [sumName(name), judged(metric)] as const);
  return { traced, loss: judged(loss), sums };
}
