// The trainer: takes batches through the step's graph, keeps the values between steps, and tells what happens.

import type { Value } from '../backend.js';
import type { Dataset, DatasetOutline } from '../dataset.js';
import { BnError } from '../errors.js';
import { type Model, variablesOf } from '../model.js';
import { requireCount, requireOptions } from '../options.js';
import { createGenerator, streams } from '../random.js';
import { constantSchedule } from '../schedules.js';
import { formatSpec, type HostTensor, joinArrays, sizeOf, type TypedArray } from '../spec.js';
import { BatchSupply, batchesAhead } from './batch-supply.js';
import { type Batch, batchRanges, batchSpec, featureSpec, refusalOfOne, specOf } from './batches.js';
import type { Checkpoint, Position } from './checkpoint.js';
import {
  type BatchOptions,
  defaultBatchSize,
  type FitOptions,
  requireBatchOptions,
  requireFitOptions,
  type Trainer,
  type TrainerOptions,
} from './contract.js';
import { EpochPlan } from './epoch-plan.js';
import type { EpochTotals, Evaluation, StepEvent, TrainerEvent, ValidationEvent } from './events.js';
import { Phases } from './phases.js';
import { averageStatistics } from './recalibrate.js';
import { type Compiled, type RunContext, Runner } from './runner.js';
import { epochOrder } from './sampling.js';
import { averagePath, type BatchSpec, evaluationGraph, predictionGraph, slotPath } from './step-graph.js';
import {
  batchInputs,
  batchOf,
  contextOf,
  keyOf,
  type Observation,
  type StepInput,
  type StepRates,
  type StepResult,
  StepRunner,
} from './step-runner.js';
import { meansOf, nothingYet, type Sums, withBatch } from './totals.js';
import { Turns } from './turns.js';

/** A trainer with freshly initialized parameters. */
export async function createTrainer(options: TrainerOptions): Promise<Trainer> {
  return new GraphTrainer(options);
}

class GraphTrainer implements Trainer {
  readonly #options: TrainerOptions;
  readonly #runner: Runner;
  readonly #phases: Phases;
  /** Paths of those and of their averages: all but what the optimizer keeps. */
  readonly #kept: readonly string[];
  /** As it is trained now. */
  #model!: Model;
  #steps!: StepRunner;
  #position: Position;
  /** Runs change the values. */
  readonly #turns = new Turns();

  constructor(options: TrainerOptions) {
    requireOptions(
      'createTrainer',
      options,
      'model backend objective optimizer average seed trainable microBatch party syncBatchNorm',
    );
    const { model, backend, average, seed = 0, microBatch, party } = options;
    if (!Number.isInteger(seed)) throw new BnError('argument', `seed must be an integer, got ${seed}`);
    this.#options = options;
    if (microBatch !== undefined) requireCount('createTrainer: microBatch', microBatch);
    this.#runner = new Runner(backend, { most: microBatch, party });
    this.#position = { seed, epoch: 0, step: 0, steps: 0, ...nothingYet };

    const variables = variablesOf(model);
    this.#phases = new Phases(options, variables);
    const random = createGenerator(seed, streams.initial);
    const averages: [path: string, value: Value][] = [];
    for (const [path, { shape, initializer }] of [...variables.parameters, ...variables.states]) {
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
    const plan = new EpochPlan(ranges, {
      ...{ epochs, batchSize, stepsPerRun: this.#stepsPerRun(train, options) },
      orderOf: (epoch) => epochOrder(train.length, this.#position.seed, epoch, options.sampling),
    });
    const { stepsPerEpoch } = plan;
    const ratesOf = (epoch: number, step: number): StepRates => {
      const totalSteps = epochs * stepsPerEpoch;
      const scores = validation && (this.#position.scores ?? []);
      const at = { step: epoch * stepsPerEpoch + step, totalSteps, stepsPerEpoch, scores };
      return { learningRate: learningRate * schedule(at), averageWeight: average?.weight(at) ?? 1 };
    };
    const supply = new BatchSupply(train, this.#position.seed);
    let isPrepared = false;
    const isWaiting = () => patience === undefined || epochsSinceBest(this.#position.scores ?? []) < patience;
    while (this.#position.epoch < epochs && isWaiting()) {
      const { epoch } = this.#position;
      if (await this.#turns.take(() => this.#enter())) isPrepared = false;
      while (this.#position.step < stepsPerEpoch) {
        const { step } = this.#position;
        if (signal?.aborted) {
          yield { type: 'checkpoint', reason: 'stopped', epoch: epoch + 1, step };
          return;
        }
        const order = plan.at(epoch, step)!;
        const { batches } = order;
        const spec = batchSpec(train, batches[0]!.length);
        if (!isPrepared) await this.#compileSteps(spec, batches.length);
        const start = performance.now();
        const taken = supply.take(order);
        const inputs = Array.isArray(taken) ? taken : await taken;
        const waited = performance.now() - start;
        supply.prepare(plan.at(epoch, step + batches.length));
        const given = inputs.map((batch, i) => ({ batch, ...ratesOf(epoch, step + i), examples: batches[i]! }));
        yield* this.#train(given, spec, { start, waited }, stepsPerEpoch);
        if (!isPrepared) await this.#prepare(options, plan.sizes);
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
    return this.#turns.take(async () => {
      await this.#enter();
      const spec = specOf(this.#model, batch);
      const where = `step ${this.#position.steps + 1}`;
      const result = await this.#steps.step(this.#alone(batch, learningRate), spec, this.#position, where);
      this.#position = { ...this.#position, steps: this.#position.steps + 1 };
      return result;
    });
  }

  observe(batch: Batch, { learningRate }: { learningRate: number }): Promise<Observation[]> {
    return this.#turns.take(async () => {
      await this.#enter();
      return this.#steps.observe(this.#alone(batch, learningRate), specOf(this.#model, batch), this.#position);
    });
  }

  evaluate(
    dataset: Dataset,
    { batchSize = defaultBatchSize }: { batchSize?: number | undefined } = {},
  ): Promise<Evaluation> {
    return this.#turns.take(async () => {
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
    return this.#turns.take(async () => {
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
    return this.#turns.take(async () => {
      const about = { model: this.#model, dataset, batchSize };
      const statistics = await averageStatistics(about, this.#runner, this.#predicting());
      const held = (path: string) => (this.#options.average ? averagePath(path) : path);
      this.#runner.load(new Map([...statistics].map(([path, tensor]) => [held(path), tensor])));
    });
  }

  values(): Promise<Map<string, HostTensor>> {
    return this.#turns.take(() => this.#runner.download(this.#phases.variables, true));
  }

  async checkpoint(): Promise<Checkpoint> {
    const checkpoint = await this.#turns.take(async () => {
      return { tensors: await this.#runner.download(this.#runner.paths), position: this.#position };
    });
    const broken = [...checkpoint.tensors].find(([, { data }]) => !data.every(Number.isFinite));
    if (!broken) return checkpoint;
    throw new BnError('not-finite', `'${broken[0]}' is not finite: the weights diverged; lower the learning rate`);
  }

  restore({ tensors, position }: Checkpoint): void {
    this.#turns.requireIdle('restore');
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
    this.#turns.requireIdle('load');
    this.#runner.load(tensors);
    if (this.#options.average) this.#runner.load(new Map([...tensors].map(([path, t]) => [averagePath(path), t])));
  }

  dispose(): Promise<void> {
    return this.#turns.take(() => this.#runner.dispose());
  }

  /** Of parameters, states, averages, and the slots of parameters that are trained in an epoch. */
  #pathsIn(epoch: number): readonly string[] {
    return [...this.#kept, ...this.#phases.trainedIn(epoch).flatMap((path) => this.#slotsOf(path))];
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
    return this.#phases.differ(epoch, this.#position.phase?.epoch ?? 0);
  }

  /** The optimizer has kept nothing of the parameters that are trained from this epoch on. */
  #begin(epoch: number): void {
    const trained = this.#phases.trainedIn(epoch);
    if (trained.length === 0 && this.#options.trainable) {
      throw new BnError('argument', `trainable: no parameter is trained in epoch ${epoch + 1}; train at least one`);
    }
    this.#model = this.#phases.modelIn(epoch);
    this.#steps = new StepRunner(
      { ...this.#options, model: this.#model },
      this.#runner,
      this.#options.syncBatchNorm ?? true,
    );
    for (const path of this.#runner.paths.slice(this.#kept.length)) this.#runner.delete(path);
    for (const path of trained) {
      const spec = this.#runner.specOf(path)!;
      const zeros = () => new Float32Array(sizeOf(spec.shape as readonly number[]));
      for (const slot of this.#slotsOf(path)) this.#runner.set(slot, this.#options.backend.upload(zeros(), spec));
    }
  }

  /** Why the model cannot train on a single example in some epoch; null if it can. */
  #refusalOfOne(train: DatasetOutline, epochs: number): BnError | null {
    for (const epoch of this.#phases.beginnings(epochs)) {
      const refusal = refusalOfOne(this.#phases.modelIn(epoch), train);
      if (refusal) return refusal;
    }
    return null;
  }

  async #compileSteps(spec: BatchSpec, count: number): Promise<void> {
    await (count > 1 ? this.#steps.compiledSteps(spec, count) : this.#steps.compiled(spec)).executable;
  }

  /** Compiles for every batch size that will occur, so that nothing fails or waits in the middle of training. */
  async #prepare(options: FitOptions, sizes: ReadonlySet<number>): Promise<void> {
    const { train, validation, test, batchSize = defaultBatchSize } = options;
    const perRun = this.#stepsPerRun(train, options);
    for (const size of sizes) await this.#compileSteps(batchSpec(train, size), 1);
    if (perRun > 1) await this.#compileSteps(batchSpec(train, batchSize), perRun);
    for (const part of [validation, test]) {
      if (!part) continue;
      const tested = new Set(batchRanges(part.length, batchSize).map(([start, end]) => end - start));
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
    return compileSteps && !this.#runner.divides(batchSize)
      ? Math.max(1, Math.min(wanted, Math.floor(train.length / batchSize)))
      : 1;
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
    const bundle = await this.#turns.take(async () => {
      const results = inputs.length > 1 ? await this.#steps.steps(inputs, spec, this.#position) : null;
      const seconds = (performance.now() - start) / 1000 / inputs.length;
      return results?.map((result, i) =>
        this.#count(result, examples, seconds, inputs[i]!.learningRate, stepsPerEpoch),
      );
    });
    if (bundle) return yield* bundle;
    let from = start;
    for (const input of inputs) {
      yield await this.#turns.take(async () => {
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

  #evaluation(spec: BatchSpec): Compiled {
    const { model, objective } = this.#options;
    return this.#runner.compile(`evaluate ${keyOf(spec)}`, () => evaluationGraph(model, objective, spec), {
      batched: batchOf(model, spec.features),
    });
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

/** Epochs since the best one. */
function epochsSinceBest(scores: readonly number[]): number {
  return scores.length === 0 ? 0 : scores.length - 1 - scores.indexOf(Math.min(...scores));
}
