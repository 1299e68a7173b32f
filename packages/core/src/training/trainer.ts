// The trainer: takes batches through the step's graph, keeps the values between steps, and tells what happens.

import type { Backend } from '../backend.js';
import type { Dataset } from '../dataset.js';
import { BnError } from '../errors.js';
import type { Loss } from '../losses/loss.js';
import { type Model, trace } from '../model.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { createGenerator, permutation } from '../random.js';
import type { HostTensor } from '../safetensors.js';
import { constantSchedule, type Schedule } from '../schedules.js';
import { formatSpec, sizeOf, staticShape, type TypedArray } from '../spec.js';
import { input } from '../tensor.js';
import { assembleBatch, type Batch, batchRanges, batchSpec, featureSpec, specOf } from './batches.js';
import type { Checkpoint, Position } from './checkpoint.js';
import type { EpochTotals, Evaluation, TrainerEvent } from './events.js';
import { firstNonFinite } from './non-finite.js';
import { type Compiled, type HostInput, type RunContext, Runner } from './runner.js';
import {
  type BatchSpec,
  evaluationGraph,
  type Observed,
  observedStepGraph,
  predictionGraph,
  recalibrationGraph,
  slotPath,
  trainingStepGraph,
} from './step-graph.js';

export interface TrainerOptions {
  readonly model: Model;
  readonly backend: Backend;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Initial values, shuffles and dropout follow from it. An integer, default 0. */
  readonly seed?: number;
}

export interface FitOptions {
  readonly train: Dataset;
  /** Evaluated after every epoch. */
  readonly test?: Dataset;
  readonly epochs: number;
  /** Default 256. The last batch of an epoch is smaller if the data set is no multiple. */
  readonly batchSize?: number;
  readonly learningRate: number;
  /** Default: constant. */
  readonly schedule?: Schedule;
  /** Asks for a stop: the step is finished, a checkpoint event comes, and `fit` ends. */
  readonly signal?: AbortSignal;
}

export interface StepResult {
  /** Mean over the batch. */
  readonly loss: number;
  /** Right answers in the batch; null where labels are not class indices. */
  readonly correct: number | null;
}

/** One tensor of a training step: what it is and what it holds. */
export interface Observation extends Observed {
  readonly shape: readonly number[];
  /** Float32Array, or what else the backend downloads float32 as. */
  readonly data: TypedArray;
}

export interface Trainer {
  /** Trains up to `epochs` epochs in all, from where the trainer is, telling what happens. */
  fit(options: FitOptions): AsyncGenerator<TrainerEvent, void>;
  /** One training step on a batch of one's own: float32 or uint8 features, int32 or float32 labels. */
  step(batch: Batch, options: { learningRate: number }): Promise<StepResult>;
  /** Everything that a training step on this batch would compute, layer by layer. The trainer stays where it is. */
  observe(batch: Batch, options: { learningRate: number }): Promise<Observation[]>;
  /** Loss and accuracy in inference mode. */
  evaluate(dataset: Dataset, options?: { batchSize?: number }): Promise<Evaluation>;
  /** The network's output in inference mode, row-major. */
  predict(features: TypedArray): Promise<Float32Array>;
  /** Replaces moving averages by averages over the whole data set under the present weights. */
  recalibrate(dataset: Dataset, options?: { batchSize?: number }): Promise<void>;
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

/** Streams of random numbers from one seed. */
const streams = { initial: 0, shuffle: 1, random: 2, recalibrate: 3 };

class GraphTrainer implements Trainer {
  readonly #options: TrainerOptions;
  readonly #runner: Runner;
  readonly #slots: ReadonlySet<string>;
  #position: Position;

  constructor(options: TrainerOptions) {
    const { model, backend, optimizer, seed = 0 } = options;
    if (!Number.isInteger(seed)) throw new BnError('argument', `seed must be an integer, got ${seed}`);
    this.#options = options;
    this.#runner = new Runner(backend);
    this.#position = { seed, epoch: 0, step: 0, steps: 0, ...nothingYet };

    // Any batch size does for finding out what the model has, but for one, which batch normalization refuses.
    const { shape, dtype } = model.input;
    const { parameters, states } = trace(model, input('features', [2, ...shape.slice(1)], dtype), { training: true });
    const random = createGenerator(seed, streams.initial);
    const initialize = (path: string, shape: readonly number[], data: Float32Array) =>
      this.#runner.set(path, backend.upload(data, { shape, dtype: 'float32' }));
    for (const [path, { shape, initializer }] of [...parameters, ...states]) {
      initialize(path, shape, initializer(shape, random));
    }
    const slots = new Set<string>();
    for (const [path, { shape }] of parameters) {
      for (const name of optimizer.slots.map((slot) => slotPath(slot, path))) {
        slots.add(name);
        initialize(name, shape, new Float32Array(sizeOf(shape)));
      }
    }
    this.#slots = slots;
  }

  async *fit(options: FitOptions): AsyncGenerator<TrainerEvent, void> {
    const { train, test, epochs, batchSize = 256, learningRate, schedule = constantSchedule(), signal } = options;
    requireFitOptions(options);
    const ranges = batchRanges(train.length, batchSize);
    const [lastStart, lastEnd] = ranges.at(-1)!;
    if (lastEnd - lastStart === 1 && ranges.length > 1) {
      ranges.pop();
      yield {
        type: 'warning',
        message: `the last batch of an epoch would be a single example, which batch normalization cannot train on: left out`,
      };
    }
    await this.#prepare(train, ranges, test, batchSize);

    const stepsPerEpoch = ranges.length;
    while (this.#position.epoch < epochs) {
      const { epoch } = this.#position;
      const order = epochOrder(train.length, this.#position.seed, epoch);
      let rate = learningRate;
      while (this.#position.step < stepsPerEpoch) {
        const { step } = this.#position;
        if (signal?.aborted) {
          yield { type: 'checkpoint', reason: 'stopped', epoch: epoch + 1, step };
          return;
        }
        const start = performance.now();
        rate =
          learningRate *
          schedule({ step: epoch * stepsPerEpoch + step, totalSteps: epochs * stepsPerEpoch, stepsPerEpoch });
        const indices = order.subarray(...ranges[step]!);
        const where = `epoch ${epoch + 1}, step ${step + 1}`;
        const result = await this.#step(assembleBatch(train, indices), batchSpec(train, indices.length), rate, where);
        this.#count(result, indices.length, (performance.now() - start) / 1000);
        yield {
          type: 'step',
          epoch: epoch + 1,
          step: step + 1,
          stepsPerEpoch,
          loss: result.loss,
          accuracy: result.correct === null ? null : result.correct / indices.length,
          examples: indices.length,
          learningRate: rate,
          epochSoFar: this.#totals(result.correct !== null),
        };
      }
      yield { type: 'epoch', epoch: epoch + 1, epochs, learningRate: rate, ...this.#totals(isClassification(train)) };
      if (test) {
        const start = performance.now();
        const evaluation = await this.evaluate(test, { batchSize });
        yield { type: 'evaluation', epoch: epoch + 1, seconds: (performance.now() - start) / 1000, ...evaluation };
      }
      this.#position = { ...this.#position, epoch: epoch + 1, step: 0, ...nothingYet };
      yield { type: 'checkpoint', reason: 'epoch', epoch: epoch + 1, step: 0 };
    }
  }

  async step(batch: Batch, { learningRate }: { learningRate: number }): Promise<StepResult> {
    const { model } = this.#options;
    const result = await this.#step(batch, specOf(model, batch), learningRate, `step ${this.#position.steps + 1}`);
    this.#position = { ...this.#position, steps: this.#position.steps + 1 };
    return result;
  }

  async observe(batch: Batch, { learningRate }: { learningRate: number }): Promise<Observation[]> {
    const { model, loss, optimizer } = this.#options;
    const spec = specOf(model, batch);
    const { graph, observed } = observedStepGraph(model, loss, optimizer, spec);
    const compiled = this.#runner.compile(`observe ${keyOf(spec)}`, () => graph);
    const outputs = await this.#runner.run(compiled, this.#stepInputs(batch, spec, learningRate), this.#context);
    const observations: Observation[] = [];
    try {
      for (const [name, about] of observed) {
        const shape = staticShape(outputs.get(name)!.spec.shape);
        observations.push({ ...about, shape, data: await this.#runner.take(outputs, name) });
      }
    } finally {
      for (const value of outputs.values()) this.#options.backend.release(value);
    }
    return observations;
  }

  async evaluate(dataset: Dataset, { batchSize = 256 }: { batchSize?: number } = {}): Promise<Evaluation> {
    const predicted = isClassification(dataset) ? new Int32Array(dataset.length) : null;
    let lossSum = 0;
    let correct = 0;
    for (const [start, end] of batchRanges(dataset.length, batchSize)) {
      const spec = batchSpec(dataset, end - start);
      const { features, labels } = assembleBatch(dataset, range(start, end));
      const data: HostInput[] = [
        ['features', features, spec.features],
        ['labels', labels, spec.labels],
      ];
      const outputs = await this.#runner.run(this.#evaluation(spec), data, this.#context);
      lossSum += (await this.#runner.take(outputs, 'loss'))[0]! * (end - start);
      if (predicted && outputs.has('predicted')) {
        const classes = await this.#runner.take(outputs, 'predicted');
        predicted.set(classes, start);
        for (let i = 0; i < classes.length; i++) if (classes[i] === labels[i]) correct++;
      }
    }
    const loss = lossSum / dataset.length;
    if (!Number.isFinite(loss)) {
      throw new BnError(
        'not-finite',
        `the loss in evaluation is ${loss}: the weights diverged; lower the learning rate`,
      );
    }
    return { loss, accuracy: predicted && correct / dataset.length, predicted };
  }

  async predict(features: TypedArray): Promise<Float32Array> {
    const { model } = this.#options;
    const spec = featureSpec(model, features);
    const key = `predict ${formatSpec(spec)}`;
    const compiled = this.#runner.compile(key, () => predictionGraph(model, spec));
    const outputs = await this.#runner.run(compiled, [['features', features, spec]], this.#context);
    return (await this.#runner.take(outputs, 'output')) as Float32Array;
  }

  async recalibrate(dataset: Dataset, { batchSize = 256 }: { batchSize?: number } = {}): Promise<void> {
    // Shuffled: each batch of a sorted data set would see one class.
    const order = permutation(dataset.length, createGenerator(this.#position.seed, streams.recalibrate));
    const sums = new Map<string, Float64Array>();
    let examples = 0;
    for (const [start, end] of batchRanges(dataset.length, batchSize)) {
      const size = end - start;
      if (size === 1) continue; // has no variance
      const spec = batchSpec(dataset, size).features;
      const compiled = this.#runner.compile(`recalibrate ${formatSpec(spec)}`, () =>
        recalibrationGraph(this.#options.model, spec),
      );
      const { features } = assembleBatch(dataset, order.subarray(start, end));
      const zeros = [...compiled.graph.outputs].map(
        ([path, { shape, dtype }]): HostInput => [path, new Float32Array(sizeOf(shape)), { shape, dtype }],
      );
      if (zeros.length === 0) return; // nothing averages
      const outputs = await this.#runner.run(compiled, [['features', features, spec], ...zeros], this.#context);
      for (const path of [...outputs.keys()]) {
        const statistic = await this.#runner.take(outputs, path);
        const sum = sums.get(path) ?? new Float64Array(statistic.length);
        sums.set(path, sum);
        for (let i = 0; i < sum.length; i++) sum[i]! += statistic[i]! * size;
      }
      examples += size;
    }
    this.#runner.load(new Map([...sums].map(([path, sum]) => [path, this.#average(path, sum, examples)])));
  }

  values(): Promise<Map<string, HostTensor>> {
    return this.#runner.download(this.#runner.paths.filter((path) => !this.#slots.has(path)));
  }

  async checkpoint(): Promise<Checkpoint> {
    const tensors = await this.#runner.download(this.#runner.paths);
    for (const [path, { data }] of tensors) {
      if (!data.every(Number.isFinite)) {
        throw new BnError('not-finite', `'${path}' is not finite: the weights diverged; lower the learning rate`);
      }
    }
    return { tensors, position: this.#position };
  }

  restore({ tensors, position }: Checkpoint): void {
    const missing = this.#runner.paths.find((path) => !tensors.has(path));
    if (missing !== undefined) {
      throw new BnError('checkpoint', `the checkpoint has no '${missing}': it belongs to another model or optimizer`);
    }
    this.#runner.load(tensors);
    this.#position = position;
  }

  load(tensors: ReadonlyMap<string, HostTensor>): void {
    this.#runner.load(tensors);
  }

  dispose(): Promise<void> {
    return this.#runner.dispose();
  }

  get #context(): RunContext {
    return { random: [this.#position.seed, streams.random, this.#position.steps] };
  }

  /** Compiles for every batch size that will occur, so that nothing fails or waits in the middle of training. */
  async #prepare(train: Dataset, ranges: Range[], test: Dataset | undefined, batchSize: number): Promise<void> {
    const sizes = (all: Range[]) => new Set(all.map(([start, end]) => end - start));
    for (const size of sizes(ranges)) await this.#training(batchSpec(train, size)).executable;
    if (!test) return;
    for (const size of sizes(batchRanges(test.length, batchSize)))
      await this.#evaluation(batchSpec(test, size)).executable;
  }

  #training(spec: BatchSpec): Compiled {
    const { model, loss, optimizer } = this.#options;
    return this.#runner.compile(`train ${keyOf(spec)}`, () => trainingStepGraph(model, loss, optimizer, spec));
  }

  #evaluation(spec: BatchSpec): Compiled {
    const { model, loss } = this.#options;
    return this.#runner.compile(`evaluate ${keyOf(spec)}`, () => evaluationGraph(model, loss, spec));
  }

  async #step(batch: Batch, spec: BatchSpec, learningRate: number, where: string): Promise<StepResult> {
    const { model, backend } = this.#options;
    const data = this.#stepInputs(batch, spec, learningRate);
    const outputs = await this.#runner.run(this.#training(spec), data, {
      ...this.#context,
      check: async (inputs, results) => {
        const loss = (await backend.download(results.get('loss')!))[0]!;
        if (Number.isFinite(loss)) return;
        const layer = await firstNonFinite(model, spec.features, backend, inputs);
        throw new BnError(
          'not-finite',
          `${where}: the loss is ${loss}; ${layer}. Lower the learning rate or check the data`,
        );
      },
    });
    const loss = (await this.#runner.take(outputs, 'loss'))[0]!;
    const correct = outputs.has('correct') ? (await this.#runner.take(outputs, 'correct'))[0]! : null;
    for (const [path, value] of outputs) this.#runner.set(path, value);
    return { loss, correct };
  }

  #stepInputs({ features, labels }: Batch, spec: BatchSpec, learningRate: number): HostInput[] {
    return [
      ['features', features, spec.features],
      ['labels', labels, spec.labels],
      ['learningRate', Float32Array.of(learningRate), { shape: [], dtype: 'float32' }],
      ['step', Float32Array.of(this.#position.steps + 1), { shape: [], dtype: 'float32' }],
    ];
  }

  #count({ loss, correct }: StepResult, examples: number, seconds: number): void {
    const p = this.#position;
    this.#position = {
      ...p,
      step: p.step + 1,
      steps: p.steps + 1,
      lossSum: p.lossSum + loss * examples,
      correct: p.correct + (correct ?? 0),
      examples: p.examples + examples,
      seconds: p.seconds + seconds,
    };
  }

  #totals(classification: boolean): EpochTotals {
    const { lossSum, correct, examples, seconds } = this.#position;
    const accuracy = classification ? correct / examples : null;
    return { loss: lossSum / examples, accuracy, examples, seconds, examplesPerSecond: examples / seconds };
  }

  #average(path: string, sum: Float64Array, examples: number): HostTensor {
    const data = Float32Array.from(sum, (v) => v / examples);
    if (!data.every(Number.isFinite)) {
      throw new BnError(
        'not-finite',
        `recalibration: '${path}' has no finite average; its update must be a moving average`,
      );
    }
    return { shape: staticShape(this.#runner.specOf(path)!.shape), data };
  }
}

/** The order in which `fit` takes the examples in an epoch, counted from 0. */
export function epochOrder(length: number, seed: number, epoch: number): Int32Array {
  return permutation(length, createGenerator(seed, streams.shuffle, epoch));
}

type Range = [start: number, end: number];

/** An epoch's sums before its first step. */
const nothingYet = { lossSum: 0, correct: 0, examples: 0, seconds: 0 };

function requireFitOptions({ train, test, epochs, batchSize = 256, learningRate }: FitOptions): void {
  const wrong = (what: string) => new BnError('argument', `fit: ${what}`);
  if (train.length === 0 || test?.length === 0) throw wrong('the data set is empty');
  if (!Number.isInteger(epochs) || epochs < 1) throw wrong(`epochs must be a positive integer, got ${epochs}`);
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw wrong(`batchSize must be a positive integer, got ${batchSize}`);
  if (!(learningRate > 0 && learningRate < Infinity)) throw wrong(`learningRate must be above 0, got ${learningRate}`);
}

function isClassification({ labels }: Dataset): boolean {
  return labels === undefined || (labels.dtype === 'int32' && labels.shape.length === 0);
}

function keyOf({ features, labels }: BatchSpec): string {
  return `${formatSpec(features)} ${formatSpec(labels)}`;
}

function range(start: number, end: number): Int32Array {
  return Int32Array.from({ length: end - start }, (_, i) => start + i);
}
