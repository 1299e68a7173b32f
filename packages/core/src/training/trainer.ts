// The trainer: takes batches through the step's graph, keeps the values between steps, and tells what happens.

import type { Backend, Value } from '../backend.js';
import type { Dataset, DatasetOutline } from '../dataset.js';
import { BnError } from '../errors.js';
import { type Model, variablesOf } from '../model.js';
import { requireCount, requireOptions } from '../options.js';
import { createGenerator, streams } from '../random.js';
import { constantSchedule, type Schedule } from '../schedules.js';
import { formatSpec, type HostTensor, joinArrays, sizeOf, type TypedArray } from '../spec.js';
import { BatchSupply, batchesAhead, type Order } from './batch-supply.js';
import { type Batch, batchRanges, batchSpec, featureSpec, refusalOfOne, specOf } from './batches.js';
import type { Checkpoint, Position } from './checkpoint.js';
import type { EpochTotals, Evaluation, Metrics, StepEvent, TrainerEvent, ValidationEvent } from './events.js';
import { averageStatistics } from './recalibrate.js';
import { type Compiled, type RunContext, Runner } from './runner.js';
import { type Sampling, shuffled } from './sampling.js';
import { averagePath, type BatchSpec, evaluationGraph, type Learner, predictionGraph, slotPath } from './step-graph.js';
import {
  batchInputs,
  contextOf,
  keyOf,
  type Observation,
  type StepInput,
  type StepRates,
  type StepResult,
  StepRunner,
} from './step-runner.js';

export interface TrainerOptions extends Learner {
  readonly backend: Backend;
  /** Initial values, shuffles and dropout follow from it. An integer, default 0. */
  readonly seed?: number | undefined;
  /**
   * Whether training changes the parameter or state of this path in this epoch, counted from 0; by default all, in all epochs.
   * Other parameters have no gradient, no decay and no slots, and what stands before the first that is trained is not
   * differentiated. A layer with states of which none is trained computes as in prediction: its batch normalization keeps its
   * statistics. Where other values are trained than in the epoch before, the optimizer begins anew.
   *
   *     createTrainer({ model, …, trainable: (path, epoch) => epoch >= 3 || path.startsWith('fc.') })
   */
  readonly trainable?: ((path: string, epoch: number) => boolean) | undefined;
}

const defaultBatchSize = 256;

export interface BatchOptions {
  /** Default 256. The last batch of an epoch is smaller if the data set is no multiple. */
  readonly batchSize?: number | undefined;
  /**
   * Steps in one run of the backend, for backends that have `compileSteps`: the same results, but events come in bundles.
   * Default: 8 on CUDA, where each run costs copies to the device and back, else 1.
   */
  readonly stepsPerRun?: number | undefined;
}

export interface FitOptions extends BatchOptions {
  readonly train: Dataset;
  /** Evaluated after every epoch. */
  readonly test?: Dataset | undefined;
  /** Evaluated after every epoch too: what schedules and `patience` go by. No part of the training or test data. */
  readonly validation?: Dataset | undefined;
  /** What epochs are compared by, from the validation data: the lower the better. Default: the loss. */
  readonly score?: ((validation: Metrics) => number) | undefined;
  /** Ends when so many epochs in a row were no better than the best one. Needs validation data. */
  readonly patience?: number | undefined;
  readonly epochs: number;
  readonly learningRate: number;
  /** Default: constant. */
  readonly schedule?: Schedule | undefined;
  /** Which examples an epoch takes. Default: each once, shuffled; or `balancedSampling(labels)`. */
  readonly sampling?: Sampling | undefined;
  /** Asks for a stop: the run is finished, a checkpoint event comes, and `fit` ends. */
  readonly signal?: { readonly aborted: boolean } | undefined;
}

export interface Trainer {
  /**
   * Compiles the step for training on `train`, as `fit` does before the first one: so that it is ready when the data is.
   * The options are those that `fit` will have.
   */
  compile(train: DatasetOutline, options?: BatchOptions): Promise<void>;
  /** Trains up to `epochs` epochs in all, from where the trainer is, telling what happens. */
  fit(options: FitOptions): AsyncGenerator<TrainerEvent, void>;
  /**
   * One training step on a batch of one's own: float32 or uint8 features, int32 or float32 labels. Calls wait for each other.
   */
  step(batch: Batch, options: { learningRate: number }): Promise<StepResult>;
  /** Everything that a training step on this batch would compute, layer by layer. The trainer stays where it is. */
  observe(batch: Batch, options: { learningRate: number }): Promise<Observation[]>;
  /**
   * Loss, metrics and answers in inference mode. With `average`, this, `predict`, `recalibrate` and `values` are about the averages.
   */
  evaluate(dataset: Dataset, options?: { batchSize?: number | undefined }): Promise<Evaluation>;
  /** The network's output in inference mode, row-major. */
  predict(features: TypedArray): Promise<Float32Array>;
  /** Replaces running statistics that are trained by those of the whole data set under the present weights. */
  recalibrate(dataset: Dataset, options?: { batchSize?: number | undefined }): Promise<void>;
  /** Parameters and states by path, on the host. */
  values(): Promise<Map<string, HostTensor>>;
  /** Everything needed to go on later; throws `not-finite` rather than save NaN. */
  checkpoint(): Promise<Checkpoint>;
  /** Goes to where a checkpoint was taken; throws `checkpoint` if it belongs to another model or optimizer. */
  restore(checkpoint: Checkpoint): void;
  /** Replaces some parameters or states by path, e.g. with weights from elsewhere. */
  load(tensors: ReadonlyMap<string, HostTensor>): void;
  /** Frees what the trainer holds on the backend, not the backend. */
  dispose(): Promise<void>;
}

/** A trainer with freshly initialized parameters. */
export async function createTrainer(options: TrainerOptions): Promise<Trainer> {
  return new GraphTrainer(options);
}

class GraphTrainer implements Trainer {
  readonly #options: TrainerOptions;
  readonly #runner: Runner;
  /** Paths of parameters and states. */
  readonly #parameters: readonly string[];
  readonly #variables: readonly string[];
  /** Paths of those and of their averages: all but what the optimizer keeps. */
  readonly #kept: readonly string[];
  /** As it is trained now. */
  #model!: Model;
  #steps!: StepRunner;
  #position: Position;
  /** Ends when what runs now has ended: runs change the values, so they take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #pending = 0;

  constructor(options: TrainerOptions) {
    requireOptions('createTrainer', options, 'model backend objective optimizer average seed trainable');
    const { model, backend, average, seed = 0 } = options;
    if (!Number.isInteger(seed)) throw new BnError('argument', `seed must be an integer, got ${seed}`);
    this.#options = options;
    this.#runner = new Runner(backend);
    this.#position = { seed, epoch: 0, step: 0, steps: 0, ...nothingYet };

    const { parameters, states } = variablesOf(model);
    this.#parameters = [...parameters.keys()];
    this.#variables = [...parameters.keys(), ...states.keys()];
    const random = createGenerator(seed, streams.initial);
    const averages: [path: string, value: Value][] = [];
    for (const [path, { shape, initializer }] of [...parameters, ...states]) {
      const data = initializer(shape, random);
      this.#runner.set(path, backend.upload(data, { shape, dtype: 'float32' }));
      if (average) averages.push([averagePath(path), backend.upload(data, { shape, dtype: 'float32' })]);
    }
    for (const [path, value] of averages) this.#runner.set(path, value);
    this.#kept = this.#runner.paths;
    this.#begin(0);
  }

  async compile(train: DatasetOutline, options: BatchOptions = {}): Promise<void> {
    requireBatchOptions('compile', train, options);
    const { batchSize = defaultBatchSize } = options;
    await this.#compileSteps(batchSpec(train, Math.min(batchSize, train.length)), this.#stepsPerRun(train, options));
  }

  async *fit(options: FitOptions): AsyncGenerator<TrainerEvent, void> {
    const { train, validation, test, epochs, learningRate, patience, signal } = options;
    const { batchSize = defaultBatchSize, schedule = constantSchedule() } = options;
    const { average } = this.#options;
    requireFitOptions(options);
    const ranges = batchRanges(train.length, batchSize);
    const [lastStart, lastEnd] = ranges.at(-1)!;
    const refusal = batchSize > 1 && lastEnd - lastStart === 1 ? this.#refusalOfOne(train, epochs) : null;
    if (refusal && ranges.length > 1) {
      ranges.pop();
      yield { type: 'warning', message: `the last batch of an epoch is one example, and left out: ${refusal.message}` };
    }
    const perRun = this.#stepsPerRun(train, options);
    let isPrepared = false;

    const stepsPerEpoch = ranges.length;
    const ratesOf = (epoch: number, step: number): StepRates => {
      const totalSteps = epochs * stepsPerEpoch;
      const scores = validation && (this.#position.scores ?? []);
      const at = { step: epoch * stepsPerEpoch + step, totalSteps, stepsPerEpoch, scores };
      return { learningRate: learningRate * schedule(at), averageWeight: average?.weight(at) ?? 1 };
    };
    const supply = new BatchSupply(train, this.#position.seed);
    const sampled = new Map<number, Int32Array>();
    const orderOf = (epoch: number) => {
      const known = sampled.get(epoch) ?? epochOrder(train.length, this.#position.seed, epoch, options.sampling);
      // The next epoch's first batch is loaded at the end of this one.
      for (const past of sampled.keys()) if (past < epoch - 1) sampled.delete(past);
      sampled.set(epoch, known);
      return known;
    };
    /** What one run takes from there on; null after the last epoch. */
    const orderAt = (epoch: number, step: number): Order | null => {
      if (step === stepsPerEpoch) return epoch + 1 < epochs ? orderAt(epoch + 1, 0) : null;
      const next = ranges.slice(step, step + perRun);
      const whole = next.length === perRun && next.every(([start, end]) => end - start === batchSize);
      const order = orderOf(epoch);
      return { epoch, step, batches: next.slice(0, whole ? perRun : 1).map((range) => order.subarray(...range)) };
    };
    const isWaiting = () => patience === undefined || epochsSinceBest(this.#position.scores ?? []) < patience;
    while (this.#position.epoch < epochs && isWaiting()) {
      const { epoch } = this.#position;
      if (await this.#inTurn(() => this.#enter())) isPrepared = false;
      while (this.#position.step < stepsPerEpoch) {
        const { step } = this.#position;
        if (signal?.aborted) {
          yield { type: 'checkpoint', reason: 'stopped', epoch: epoch + 1, step };
          return;
        }
        const order = orderAt(epoch, step)!;
        const { batches } = order;
        const spec = batchSpec(train, batches[0]!.length);
        if (!isPrepared) await this.#compileSteps(spec, batches.length);
        const start = performance.now();
        const taken = supply.take(order);
        const inputs = Array.isArray(taken) ? taken : await taken;
        const waited = performance.now() - start;
        supply.prepare(orderAt(epoch, step + batches.length));
        const given = inputs.map((batch, i) => ({ batch, ...ratesOf(epoch, step + i), examples: batches[i]! }));
        yield* this.#train(given, spec, { start, waited }, stepsPerEpoch);
        if (!isPrepared) await this.#prepare(options, ranges, perRun);
        isPrepared = true;
      }
      const last = ratesOf(epoch, stepsPerEpoch - 1);
      yield { type: 'epoch', epoch: epoch + 1, epochs, learningRate: last.learningRate, ...this.#totals() };
      if (average?.recalibrates && last.averageWeight < 1) await this.recalibrate(train, { batchSize });
      const validated = validation && (await this.#validate(validation, options, epoch + 1));
      if (validated) yield validated;
      if (test) {
        const start = performance.now();
        const evaluation = await this.evaluate(test, { batchSize });
        yield { type: 'evaluation', epoch: epoch + 1, seconds: (performance.now() - start) / 1000, ...evaluation };
      }
      const scores = validated && { scores: [...(this.#position.scores ?? []), validated.score] };
      this.#position = { ...this.#position, epoch: epoch + 1, step: 0, ...nothingYet, ...scores };
      yield { type: 'checkpoint', reason: 'epoch', epoch: epoch + 1, step: 0 };
    }
  }

  step(batch: Batch, { learningRate }: { learningRate: number }): Promise<StepResult> {
    return this.#inTurn(async () => {
      await this.#enter();
      const spec = specOf(this.#model, batch);
      const where = `step ${this.#position.steps + 1}`;
      const result = await this.#steps.step(this.#alone(batch, learningRate), spec, this.#position, where);
      this.#position = { ...this.#position, steps: this.#position.steps + 1 };
      return result;
    });
  }

  observe(batch: Batch, { learningRate }: { learningRate: number }): Promise<Observation[]> {
    return this.#inTurn(async () => {
      await this.#enter();
      return this.#steps.observe(this.#alone(batch, learningRate), specOf(this.#model, batch), this.#position);
    });
  }

  evaluate(
    dataset: Dataset,
    { batchSize = defaultBatchSize }: { batchSize?: number | undefined } = {},
  ): Promise<Evaluation> {
    return this.#inTurn(async () => {
      let sums: Sums = {};
      const answers: (Int32Array | Float32Array)[] = [];
      const all = batchRanges(dataset.length, batchSize).map(([start, end]) =>
        Int32Array.from({ length: end - start }, (_, i) => start + i),
      );
      let step = 0;
      for await (const batch of batchesAhead(dataset, this.#position.seed, all)) {
        const examples = all[step++]!;
        const spec = batchSpec(dataset, examples.length);
        const data = batchInputs(batch, spec);
        const outputs = await this.#runner.run(this.#evaluation(spec), data, this.#predicting());
        const [result] = await this.#steps.results(outputs);
        sums = withBatch(sums, result!, examples.length);
        const answer = await this.#runner.take(outputs, 'answer');
        // Floats as float32, as the backend with float64 has them too.
        answers.push(answer instanceof Int32Array ? answer : Float32Array.from(answer));
      }
      const { loss, metrics } = meansOf(sums, dataset.length);
      if (Number.isFinite(loss)) return { loss, metrics, answers: joinArrays(answers) };
      const cause =
        'the weights diverged, or a label is none of the classes; lower the learning rate or check the data';
      throw new BnError('not-finite', `the loss in evaluation is ${loss}: ${cause}`);
    });
  }

  predict(features: TypedArray): Promise<Float32Array> {
    return this.#inTurn(async () => {
      const { model } = this.#options;
      const spec = featureSpec(model, features);
      const compiled = this.#runner.compile(`predict ${formatSpec(spec)}`, () => predictionGraph(model, spec));
      const outputs = await this.#runner.run(compiled, [['features', features, spec]], this.#predicting());
      return (await this.#runner.take(outputs, 'output')) as Float32Array;
    });
  }

  recalibrate(
    dataset: Dataset,
    { batchSize = defaultBatchSize }: { batchSize?: number | undefined } = {},
  ): Promise<void> {
    return this.#inTurn(async () => {
      const about = { model: this.#model, dataset, batchSize };
      const statistics = await averageStatistics(about, this.#runner, this.#predicting());
      const held = (path: string) => (this.#options.average ? averagePath(path) : path);
      this.#runner.load(new Map([...statistics].map(([path, tensor]) => [held(path), tensor])));
    });
  }

  values(): Promise<Map<string, HostTensor>> {
    return this.#inTurn(() => this.#runner.download(this.#variables, true));
  }

  async checkpoint(): Promise<Checkpoint> {
    const checkpoint = await this.#inTurn(async () => {
      return { tensors: await this.#runner.download(this.#runner.paths), position: this.#position };
    });
    const broken = [...checkpoint.tensors].find(([, { data }]) => !data.every(Number.isFinite));
    if (!broken) return checkpoint;
    throw new BnError('not-finite', `'${broken[0]}' is not finite: the weights diverged; lower the learning rate`);
  }

  restore({ tensors, position }: Checkpoint): void {
    this.#requireIdle('restore');
    const { epoch } = position.phase ?? { epoch: 0 };
    const missing = this.#pathsIn(epoch).find((path) => !tensors.has(path));
    if (missing !== undefined) {
      throw new BnError('checkpoint', `the checkpoint has no '${missing}': it belongs to another model or optimizer`);
    }
    if (this.#differs(epoch)) {
      this.#runner.clear().catch(() => {}); // nothing runs
      this.#begin(epoch);
    }
    this.#runner.load(tensors);
    this.#position = position;
  }

  load(tensors: ReadonlyMap<string, HostTensor>): void {
    this.#requireIdle('load');
    this.#runner.load(tensors);
    if (this.#options.average) this.#runner.load(new Map([...tensors].map(([path, t]) => [averagePath(path), t])));
  }

  dispose(): Promise<void> {
    return this.#inTurn(() => this.#runner.dispose());
  }

  /** The model as it is trained in an epoch. */
  #modelIn(epoch: number): Model {
    const { model, trainable } = this.#options;
    return trainable ? { ...model, trainable: (path) => trainable(path, epoch) } : model;
  }

  /** Of parameters, states, averages, and the slots of parameters that are trained in an epoch. */
  #pathsIn(epoch: number): readonly string[] {
    return [...this.#kept, ...this.#trainedIn(epoch).flatMap((path) => this.#slotsOf(path))];
  }

  #trainedIn(epoch: number, paths = this.#parameters): readonly string[] {
    const { trainable = () => true } = this.#modelIn(epoch);
    return paths.filter(trainable);
  }

  #slotsOf(parameter: string): readonly string[] {
    return this.#options.optimizer.slots.map((slot) => slotPath(slot, parameter));
  }

  /** Begins a phase where other values are trained in this epoch than before. Returns whether it does. */
  async #enter(): Promise<boolean> {
    const { epoch, steps } = this.#position;
    if (!this.#differs(epoch)) return false;
    await this.#runner.clear();
    this.#begin(epoch);
    this.#position = { ...this.#position, phase: { epoch, steps } };
    return true;
  }

  /** Whether other values are trained in this epoch than since the optimizer began. */
  #differs(epoch: number): boolean {
    if (!this.#options.trainable) return false;
    const began = this.#position.phase?.epoch ?? 0;
    return !samePaths(this.#trainedIn(epoch, this.#variables), this.#trainedIn(began, this.#variables));
  }

  /** The optimizer has kept nothing of the parameters that are trained from this epoch on. */
  #begin(epoch: number): void {
    const trained = this.#trainedIn(epoch);
    if (trained.length === 0 && this.#options.trainable) {
      throw new BnError('argument', `trainable: no parameter is trained in epoch ${epoch + 1}; train at least one`);
    }
    this.#model = this.#modelIn(epoch);
    this.#steps = new StepRunner({ ...this.#options, model: this.#model }, this.#runner);
    for (const path of this.#runner.paths.slice(this.#kept.length)) this.#runner.delete(path);
    for (const path of trained) {
      const spec = this.#runner.specOf(path)!;
      const zeros = () => new Float32Array(sizeOf(spec.shape as readonly number[]));
      for (const slot of this.#slotsOf(path)) this.#runner.set(slot, this.#options.backend.upload(zeros(), spec));
    }
  }

  /** Why the model cannot train on a single example in some epoch; null if it can. */
  #refusalOfOne(train: DatasetOutline, epochs: number): BnError | null {
    const trained = (epoch: number) => this.#trainedIn(epoch, this.#variables);
    const phases = Array.from({ length: epochs }, (_, epoch) => epoch).filter(
      (epoch) => epoch === 0 || (this.#options.trainable && !samePaths(trained(epoch), trained(epoch - 1))),
    );
    return phases.reduce<BnError | null>((found, epoch) => found ?? refusalOfOne(this.#modelIn(epoch), train), null);
  }

  async #compileSteps(spec: BatchSpec, count: number): Promise<void> {
    await (count > 1 ? this.#steps.compiledSteps(spec, count) : this.#steps.compiled(spec)).executable;
  }

  /** Compiles for every batch size that will occur, so that nothing fails or waits in the middle of training. */
  async #prepare(options: FitOptions, ranges: Range[], perRun: number): Promise<void> {
    const { train, validation, test, batchSize = defaultBatchSize } = options;
    const sizes = (all: Range[]) => new Set(all.map(([start, end]) => end - start));
    for (const size of sizes(ranges)) await this.#compileSteps(batchSpec(train, size), 1);
    if (perRun > 1) await this.#compileSteps(batchSpec(train, batchSize), perRun);
    for (const part of [validation, test]) {
      if (!part) continue;
      const tested = sizes(batchRanges(part.length, batchSize));
      for (const size of tested) await this.#evaluation(batchSpec(part, size)).executable;
    }
  }

  async #validate(validation: Dataset, options: FitOptions, epoch: number): Promise<ValidationEvent> {
    const { batchSize, score: scoreOf = ({ loss }) => loss } = options;
    const start = performance.now();
    const { loss, metrics } = await this.evaluate(validation, { batchSize });
    const score = scoreOf({ loss, metrics });
    if (!Number.isFinite(score)) throw new BnError('argument', `fit: the score of epoch ${epoch} is ${score}`);
    const isBest = (this.#position.scores ?? []).every((other) => score < other);
    const seconds = (performance.now() - start) / 1000;
    return { type: 'validation', epoch, seconds, loss, metrics, score, isBest };
  }

  #stepsPerRun(train: DatasetOutline, { stepsPerRun, batchSize = defaultBatchSize }: BatchOptions): number {
    const { compileSteps, device } = this.#options.backend;
    const wanted = stepsPerRun ?? (device.kind === 'cuda' ? 8 : 1);
    return compileSteps ? Math.max(1, Math.min(wanted, Math.floor(train.length / batchSize))) : 1;
  }

  /** Trains on batches of one size, given by their examples: in one run, or step by step. The position moves with the values. */
  async *#train(
    inputs: readonly StepInput[],
    spec: BatchSpec,
    { start, waited }: { readonly start: number; readonly waited: number },
    stepsPerEpoch: number,
  ): AsyncGenerator<TrainerEvent, void> {
    const examples = spec.features.shape[0]!;
    this.#position = { ...this.#position, waited: (this.#position.waited ?? 0) + waited / 1000 };
    const bundle = await this.#inTurn(async () => {
      const results = inputs.length > 1 ? await this.#steps.steps(inputs, spec, this.#position) : null;
      const seconds = (performance.now() - start) / 1000 / inputs.length;
      return results?.map((result, i) =>
        this.#count(result, examples, seconds, inputs[i]!.learningRate, stepsPerEpoch),
      );
    });
    if (bundle) return yield* bundle;
    let from = start;
    for (const input of inputs) {
      yield await this.#inTurn(async () => {
        const where = `epoch ${this.#position.epoch + 1}, step ${this.#position.step + 1}`;
        const result = await this.#steps.step(input, spec, this.#position, where);
        return this.#count(result, examples, (performance.now() - from) / 1000, input.learningRate, stepsPerEpoch);
      });
      from = performance.now();
    }
  }

  /** A step outside `fit`, as one of an endless epoch. */
  #alone(batch: Batch, learningRate: number): StepInput {
    const at = { step: this.#position.steps, totalSteps: Infinity, stepsPerEpoch: Infinity };
    return { batch, learningRate, averageWeight: this.#options.average?.weight(at) ?? 1 };
  }

  /** How graphs are run that predict. */
  #predicting(): RunContext {
    return { ...contextOf(this.#position), averaged: true };
  }

  /** Runs `body` when all that was asked for before has ended. */
  #inTurn<T>(body: () => Promise<T>): Promise<T> {
    this.#pending++;
    const result = this.#turn.then(body).finally(() => this.#pending--);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** What runs would overwrite values that are set meanwhile. */
  #requireIdle(method: string): void {
    if (this.#pending === 0) return;
    throw new BnError('argument', `${method}: a step or another call is still running; await it first`);
  }

  #evaluation(spec: BatchSpec): Compiled {
    const { model, objective } = this.#options;
    return this.#runner.compile(`evaluate ${keyOf(spec)}`, () => evaluationGraph(model, objective, spec));
  }

  /** Moves the position by a step, and tells of it. */
  #count(
    result: StepResult,
    examples: number,
    seconds: number,
    learningRate: number,
    stepsPerEpoch: number,
  ): StepEvent {
    const p = this.#position;
    this.#position = {
      ...p,
      step: p.step + 1,
      steps: p.steps + 1,
      sums: withBatch(p.sums, result, examples),
      examples: p.examples + examples,
      seconds: p.seconds + seconds,
    };
    return {
      type: 'step',
      epoch: p.epoch + 1,
      step: p.step + 1,
      stepsPerEpoch,
      loss: result.loss,
      metrics: meansOf(result.sums, examples).metrics,
      examples,
      learningRate,
      epochSoFar: this.#totals(),
    };
  }

  #totals(): EpochTotals {
    const { sums, examples, seconds, waited = 0 } = this.#position;
    return { ...meansOf(sums, examples), examples, seconds, waited, examplesPerSecond: examples / seconds };
  }
}

/** Sums over examples: of the loss, and of each metric by name. */
type Sums = Position['sums'];

function withBatch(before: Sums, { loss, sums }: StepResult, examples: number): Sums {
  const added = Object.entries({ ...sums, loss: loss * examples });
  return Object.fromEntries(added.map(([name, sum]) => [name, (before[name] ?? 0) + sum]));
}

function meansOf(sums: Sums, examples: number): Metrics {
  const means = Object.entries(sums).map(([name, sum]) => [name, sum / examples]);
  const { loss = 0, ...metrics } = Object.fromEntries(means) as Record<string, number>;
  return { loss, metrics };
}

function samePaths(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((path, i) => path === b[i]);
}

/** The order in which `fit` takes the examples in an epoch, counted from 0. */
export function epochOrder(length: number, seed: number, epoch: number, sampling: Sampling = shuffled): Int32Array {
  return sampling(length, createGenerator(seed, streams.shuffle, epoch));
}

/** How many epochs were no better than the best one, since that. */
function epochsSinceBest(scores: readonly number[]): number {
  return scores.length === 0 ? 0 : scores.length - 1 - scores.indexOf(Math.min(...scores));
}

type Range = [start: number, end: number];

/** An epoch's sums before its first step. */
const nothingYet = { sums: {}, examples: 0, seconds: 0, waited: 0 };

function requireFitOptions(options: FitOptions): void {
  const { train, validation, test, epochs, learningRate, patience } = options;
  requireBatchOptions('fit', train, options);
  for (const part of [validation, test]) {
    if (part?.length === 0) throw new BnError('argument', 'fit: the data set is empty');
  }
  requireCount('fit: epochs', epochs);
  if (patience !== undefined) {
    requireCount('fit: patience', patience);
    if (!validation) throw new BnError('argument', 'fit: patience goes by validation data; give such data');
  }
  if (learningRate > 0 && learningRate < Infinity) return;
  throw new BnError('argument', `fit: learningRate must be above 0, got ${learningRate}`);
}

function requireBatchOptions(
  method: string,
  { length }: DatasetOutline,
  { batchSize = defaultBatchSize, stepsPerRun = 1 }: BatchOptions,
): void {
  if (length === 0) throw new BnError('argument', `${method}: the data set is empty`);
  requireCount(`${method}: batchSize`, batchSize);
  requireCount(`${method}: stepsPerRun`, stepsPerRun);
}
