// Runs training steps over a runner's values: one at a time, or several in one run of the backend.

import type { Value } from '../backend.js';
import { type Batched, cutGraph } from '../cut/cut-graph.js';
import { BnError } from '../errors.js';
import { type Model, traceOn, variablesOf } from '../model.js';
import { type PackedGraph, packedName, packState } from '../pack-state.js';
import { streams } from '../random.js';
import { formatShape, formatSpec, joinArrays, type Spec, sameShape, staticShape, type TypedArray } from '../spec.js';
import type { Batch } from './batches.js';
import type { Position } from './checkpoint.js';
import { allFinite, whyNotFinite } from './non-finite.js';
import { type Compiled, type HostInput, type RunContext, type Runner, randomInputs } from './runner.js';
import { shareStep } from './share-step.js';
import {
  type BatchSpec,
  type Learner,
  learnerGraph,
  type Observed,
  observedStepGraph,
  recalibrationGraph,
  sumName,
} from './step-graph.js';

export interface StepResult {
  /** Mean over the batch. */
  readonly loss: number;
  /** The sum over the batch's examples of each metric. */
  readonly sums: Readonly<Record<string, number>>;
}

/** One tensor of a training step: what it is and what it holds. */
export interface Observation extends Observed {
  readonly shape: readonly number[];
  /** Float32Array, or what else the backend downloads float32 as. */
  readonly data: TypedArray;
}

/** The numbers that a step goes by. */
export interface StepRates {
  readonly learningRate: number;
  /** Of the new values in their averages, where there are any. */
  readonly averageWeight: number;
}

/** What a step is given. */
export interface StepInput extends StepRates {
  readonly batch: Batch;
  /** Numbers of the examples in their data set, for messages. */
  readonly examples?: ArrayLike<number>;
}

/** What a step is given at: the seed, the number of steps before it, and of those before the optimizer began. */
type At = Pick<Position, 'seed' | 'steps' | 'phase'>;

export class StepRunner {
  readonly #learner: Learner;
  readonly #runner: Runner;
  readonly #isSynchronized: boolean;
  readonly #packed = new Map<string, PackedGraph>();
  #statePaths: readonly string[] | undefined;

  /** @param isSynchronized whether batches in shares have the statistics of the whole */
  constructor(learner: Learner, runner: Runner, isSynchronized: boolean) {
    this.#learner = learner;
    this.#runner = runner;
    this.#isSynchronized = isSynchronized;
  }

  /** The step on one batch, compiled the first time it is asked for. */
  compiled(spec: BatchSpec): Compiled {
    const { model } = this.#learner;
    const batched = batchOf(model, spec.features);
    const inShares = () => {
      const batch = batched.of();
      // Not in the end, when `recalibrate` cuts it.
      cutGraph(recalibrationGraph(model, spec.features), batch);
      return shareStep(this.#learner, spec, batch);
    };
    const cut = this.#isSynchronized ? undefined : inShares;
    return this.#runner.compile(`train ${keyOf(spec)}`, () => this.#graph(spec), { batched, cut });
  }

  /** `count` steps in one run. */
  compiledSteps(spec: BatchSpec, count: number): Compiled {
    const key = `train ${count} × ${keyOf(spec)}`;
    const { graph } = this.#packedGraph(spec);
    const stacked = [...graph.inputs.keys()].filter((name) => name !== packedName);
    return this.#runner.compile(key, () => graph, {
      steps: { count, carried: { [packedName]: packedName }, stacked },
    });
  }

  /** One step. Throws `not-finite` for a loss or a state that would be, and leaves the values as they were. */
  async step(input: StepInput, spec: BatchSpec, at: At, where: string): Promise<StepResult> {
    const { batch, examples } = input;
    const { backend } = this.#runner;
    const outputs = await this.#runner.run(this.compiled(spec), stepInputs(input, spec, at), {
      ...contextOf(at),
      check: async (results, parts) => {
        const loss = (await backend.download(results.get('loss')!))[0]!;
        const state = Number.isFinite(loss) ? await this.#brokenState(results) : null;
        if (Number.isFinite(loss) && state === null) return;
        const what = state === null ? `the loss is ${loss}` : `${state} would not be finite`;
        const why = await whyNotFinite(this.#learner.model, { batch, spec, examples, state }, backend, parts());
        throw new BnError('not-finite', `${where}: ${what}; ${why}`);
      },
    });
    const [result] = await this.results(outputs);
    for (const [path, value] of outputs) this.#runner.set(path, value);
    return result!;
  }

  /**
   * Several steps on batches of one size in one run; null, and values as they were, if a loss or state is not finite: step by step
   * it shows which.
   */
  async steps(inputs: readonly StepInput[], spec: BatchSpec, at: At): Promise<StepResult[] | null> {
    const compiled = this.compiledSteps(spec, inputs.length);
    const { values, size } = this.#packedGraph(spec);
    const each = inputs.map((input, i) => {
      const then = { ...at, steps: at.steps + i };
      const own = stepInputs(input, spec, then);
      return [...own, ...randomInputs(compiled, contextOf(then).random)];
    });
    const state = await this.#runner.pack(values);
    const data: HostInput[] = [[packedName, state, { shape: [size], dtype: 'float32' }], ...stack(each)];
    const outputs = await this.#runner.run(compiled, data, contextOf(at));
    const results = await this.results(outputs);
    const next = await this.#runner.take(outputs, packedName);
    const states = values.filter(({ path }) => this.#states.includes(path));
    const finite = states.every(({ start, end }) => next.subarray(start, end).every((v) => Number.isFinite(v)));
    if (!finite || !results.every(({ loss }) => Number.isFinite(loss))) return null;
    this.#runner.unpack(values, next);
    return results;
  }

  /** Everything that the step would compute, layer by layer. The values stay as they are. */
  async observe(input: StepInput, spec: BatchSpec, at: At): Promise<Observation[]> {
    const { graph, observed } = observedStepGraph(this.#learner, spec);
    const compiled = this.#runner.compile(`observe ${keyOf(spec)}`, () => graph);
    const outputs = await this.#runner.run(compiled, stepInputs(input, spec, at), contextOf(at));
    const observations: Observation[] = [];
    try {
      for (const [name, about] of observed) {
        const shape = staticShape(outputs.get(name)!.spec.shape);
        observations.push({ ...about, shape, data: await this.#runner.take(outputs, name) });
      }
    } finally {
      for (const value of outputs.values()) this.#runner.backend.release(value);
    }
    return observations;
  }

  /** Takes the loss and the metrics' sums out of the outputs of a step, of several, or of an evaluation: of each step. */
  async results(outputs: Map<string, Value>): Promise<StepResult[]> {
    const losses = await this.#runner.take(outputs, 'loss');
    const results = Array.from(losses, (loss) => ({ loss, sums: {} as Record<string, number> }));
    for (const name of Object.keys(this.#learner.objective.metrics)) {
      const sums = await this.#runner.take(outputs, sumName(name));
      for (const [step, result] of results.entries()) result.sums[name] = sums[step]!;
    }
    return results;
  }

  /** A state that the step would make NaN or infinite, as a running variance whose squares overflow. */
  async #brokenState(results: ReadonlyMap<string, Value>): Promise<string | null> {
    for (const path of this.#states) {
      const next = results.get(path);
      if (next && !(await allFinite(this.#runner.backend, next))) return path;
    }
    return null;
  }

  get #states(): readonly string[] {
    this.#statePaths ??= [...variablesOf(this.#learner.model).states.keys()];
    return this.#statePaths;
  }

  #graph(spec: BatchSpec) {
    return learnerGraph(this.#learner, spec);
  }

  #packedGraph(spec: BatchSpec): PackedGraph {
    const key = keyOf(spec);
    const known = this.#packed.get(key);
    if (known) return known;
    const graph = this.#graph(spec);
    const paths = this.#runner.paths.filter((path) => graph.inputs.has(path));
    const packed = packState(graph, paths);
    this.#packed.set(key, packed);
    return packed;
  }
}

/** The batch that a graph of the model computes on, and its inputs that have a row for each example. */
export function batchOf(model: Model, features: Spec): { examples: number; of: () => Batched } {
  const [examples, ...shape] = staticShape(features.shape) as [number, ...number[]];
  const randomsOf = (size: number) =>
    traceOn(model, { shape: [size, ...shape], dtype: features.dtype }, { training: true }).randoms;
  return {
    examples,
    of: () => {
      // Numbers for each example are those whose count changes with the batch.
      const others = randomsOf(examples + 1);
      const perExample = [...randomsOf(examples)].filter(
        ([name, spec]) => !sameShape(spec.shape, others.get(name)?.shape ?? []),
      );
      for (const [name, { shape: own }] of perExample) {
        const more = own.with(0, (own[0]! / examples) * (examples + 1));
        if (sameShape(more, others.get(name)?.shape ?? [])) continue;
        const what = `random numbers of ${formatShape(own)} are drawn for each example, but not along the first axis`;
        throw new BnError('unsupported', `${what}: a part of the batch has none of its own; draw them along that axis`);
      }
      return { examples, rows: new Set(['features', 'labels', ...perExample.map(([name]) => name)]) };
    },
  };
}

/** Where the random numbers of a run come from. */
export function contextOf({ seed, steps }: At): RunContext {
  return { random: [seed, streams.random, steps] };
}

export function keyOf({ features, labels }: BatchSpec): string {
  return `${formatSpec(features)} ${formatSpec(labels)}`;
}

/** What every graph of batches is given. */
export function batchInputs(batch: Batch, spec: BatchSpec): HostInput[] {
  return [
    ['features', batch.features, spec.features],
    ['labels', batch.labels, spec.labels],
  ];
}

function stepInputs(
  { batch, learningRate, averageWeight }: StepInput,
  spec: BatchSpec,
  { steps, phase }: At,
): HostInput[] {
  const numbers = Object.entries({ learningRate, averageWeight, step: steps - (phase?.steps ?? 0) + 1 });
  return [
    ...batchInputs(batch, spec),
    ...numbers.map(([name, n]): HostInput => [name, Float32Array.of(n), { shape: [], dtype: 'float32' }]),
  ];
}

/** Inputs of several steps, each along a new leading axis. */
function stack(each: readonly (readonly HostInput[])[]): HostInput[] {
  return each[0]!.map(([name, _, { shape, dtype }], i) => {
    const data = joinArrays(each.map((inputs) => inputs[i]![1]));
    return [name, data, { shape: [each.length, ...shape], dtype }];
  });
}
