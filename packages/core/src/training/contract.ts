// What a trainer is given, what it does, and what it refuses.

import type { Backend } from '../backend.js';
import type { Party } from '../cut/cut-executable.js';
import type { Dataset, DatasetOutline } from '../dataset.js';
import { BnError } from '../errors.js';
import { requireCount } from '../options.js';
import type { Schedule } from '../schedules.js';
import type { HostTensor, TypedArray } from '../spec.js';
import type { Batch } from './batches.js';
import type { Checkpoint } from './checkpoint.js';
import type { Evaluation, Metrics, TrainerEvent } from './events.js';
import type { Sampling } from './sampling.js';
import type { Learner } from './step-graph.js';
import type { Observation, StepResult } from './step-runner.js';

export interface TrainerOptions extends Learner {
  readonly backend: Backend;
  /** Initial values, shuffles and dropout follow from it. An integer, default 0. */
  readonly seed?: number | undefined;
  /**
   * Examples that are computed at a time, at most. Larger batches are computed in parts, with the statistics and gradients of the
   * whole, in the memory of a part. Default: a batch at once.
   */
  readonly microBatch?: number | undefined;
  /** The processes that compute each batch together, all with the same options and data. Default: this one alone. */
  readonly party?: Party | undefined;
  /**
   * False: each part of a batch, of `microBatch` examples or of one process, is a batch of its own to the layers of the training step.
   * It is normalized by its own mean and variance, and mixed (`mixup`) within itself. Loss and gradients are means over the examples of the whole
   * batch, and so are the running statistics that the parts would have. Evaluation and `recalibrate` take whole batches. Default true; a batch
   * that is not divided is one part.
   */
  readonly syncBatchNorm?: boolean | undefined;
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

export const defaultBatchSize = 256;

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
  /** Ends after this many epochs in a row without a new best one. Needs validation data. */
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
  /** Everything that a training step on this batch, undivided, would compute, layer by layer. The trainer stays where it is. */
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

/** @throws `argument` for options that cannot be meant */
export function requireFitOptions(options: FitOptions): void {
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

/** @throws `argument` for options that cannot be meant */
export function requireBatchOptions(
  method: string,
  { length }: DatasetOutline,
  { batchSize = defaultBatchSize, stepsPerRun = 1 }: BatchOptions,
): void {
  if (length === 0) throw new BnError('argument', `${method}: the data set is empty`);
  requireCount(`${method}: batchSize`, batchSize);
  requireCount(`${method}: stepsPerRun`, stepsPerRun);
}
