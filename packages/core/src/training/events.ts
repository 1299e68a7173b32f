// What a trainer tells while it trains. Whoever shows or stores anything listens to these; nothing else prints.

/** Mean loss, and the objective's metrics by name, e.g. `{ accuracy: 0.9 }`. */
export interface Metrics {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** After every training step. */
export interface StepEvent extends Metrics {
  readonly type: 'step';
  /** Epochs and steps count from 1; steps within their epoch. */
  readonly epoch: number;
  readonly step: number;
  readonly stepsPerEpoch: number;
  /** Examples in this batch; `loss` and `metrics` are this batch's. */
  readonly examples: number;
  readonly learningRate: number;
  /** Over the epoch so far. */
  readonly epochSoFar: EpochTotals;
}

export interface EpochTotals extends Metrics {
  readonly examples: number;
  /** Seconds of training alone: assembling batches and running steps, without evaluation. */
  readonly seconds: number;
  /** Of these, seconds in which nothing was computed because the data was not there yet. */
  readonly waited: number;
  readonly examplesPerSecond: number;
}

/** After the last step of an epoch: loss and metrics over the epoch, as the weights went. */
export interface EpochEvent extends EpochTotals {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly epochs: number;
  /** The learning rate of the epoch's last step. */
  readonly learningRate: number;
}

export interface Evaluation extends Metrics {
  /** The objective's answer for each example, in the data set's order: class indices, a 0 or 1 for each label, or values. */
  readonly answers: Int32Array | Float32Array;
}

/** After an epoch, if there is test data: the model in inference mode on all of it. */
export interface EvaluationEvent extends Evaluation {
  readonly type: 'evaluation';
  readonly epoch: number;
  readonly seconds: number;
}

/** After an epoch, if there is validation data: the model in inference mode on all of it. */
export interface ValidationEvent extends Metrics {
  readonly type: 'validation';
  readonly epoch: number;
  readonly seconds: number;
  /** By which epochs are compared, the lower the better. */
  readonly score: number;
  /** Whether no epoch before was as good. */
  readonly isBest: boolean;
}

/** The trainer's state is worth saving: call `trainer.checkpoint()` now, before asking for the next event. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  /** `epoch`: an epoch (and its evaluation) is done; `stopped`: the signal asked for a stop, perhaps within an epoch. */
  readonly reason: 'epoch' | 'stopped';
  readonly epoch: number;
  /** Steps of this epoch that are done; 0 after a whole epoch. */
  readonly step: number;
}

/** Something that does not stop training but should be known, e.g. a last batch of one example that the network cannot train on. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly message: string;
}

export type TrainerEvent = StepEvent | EpochEvent | ValidationEvent | EvaluationEvent | CheckpointEvent | WarningEvent;
