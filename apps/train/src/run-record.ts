// What is known of a training run once it is recorded: the display shows it, the report renders it.

/** What is trained, on what, by what. Names are for people: a report prints them as they are. */
export interface RunDescription {
  readonly model: string;
  readonly data: string;
  readonly backend: string;
  /** What computes, e.g. `NVIDIA H100` or `cpu (2 threads)`. */
  readonly device: string;
  /** What a backend with several engines runs on, e.g. `native` or `wasm`. */
  readonly engine?: string;
  /** Why not a better device, where the choice was the backend's. */
  readonly deviceReason?: string;
  /** Versions by name, e.g. `{ node: '20.19.0', '@bn/core': '0.1.0' }`. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The learned scale and shift of one batch normalization layer, one number per channel. */
export interface BatchNormValues {
  readonly gamma: readonly number[];
  readonly beta: readonly number[];
}

/** One line of metrics.jsonl. Accuracies are null where labels are no classes, all of the test without test data. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Over the epoch, as the weights went. */
  readonly loss: number;
  readonly trainAccuracy: number | null;
  readonly testLoss: number | null;
  readonly testAccuracy: number | null;
  readonly learningRate: number;
  readonly examplesPerSecond: number;
  /** Seconds of training alone, without evaluation. */
  readonly seconds: number;
  readonly examples: number;
  /** By layer path, in the order of the network, after the epoch. */
  readonly batchNorm: Readonly<Record<string, BatchNormValues>>;
}

/** The figures a run ends with. */
export interface RunSummary {
  readonly loss: number;
  readonly trainAccuracy: number | null;
  /** With the moving averages that training has kept. */
  readonly testAccuracy: number | null;
  /** With statistics recomputed over the training data under the final weights; null without batch normalization. */
  readonly recalibratedTestAccuracy: number | null;
  /** Over the whole run, training alone. */
  readonly examplesPerSecond: number;
  readonly device: string;
}

/** A test example that the trained network gets wrong. */
export interface Misclassified {
  /** In the test data, from 0. */
  readonly index: number;
  readonly features: Uint8Array | Float32Array;
  /** Of one example; images are `[channels, height, width]`. */
  readonly shape: readonly number[];
  readonly actual: number;
  readonly predicted: number;
}

export interface RunRecord {
  readonly config: Readonly<Record<string, unknown>>;
  readonly description: RunDescription;
  readonly epochs: readonly EpochRecord[];
  readonly summary: RunSummary;
  /** Empty for regression. */
  readonly classNames: readonly string[];
  /** Test examples by `[actual][predicted]`; empty for regression or without test data. */
  readonly confusion: readonly (readonly number[])[];
  readonly misclassified: readonly Misclassified[];
}
