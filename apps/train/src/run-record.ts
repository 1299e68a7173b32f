// What is known of a training run once it is recorded: the display shows it, the report renders it.

import type { Confusion, Metrics } from '@bn/core';
import type { Picture } from './report/picture.js';

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

/** Metrics of which less is better. */
export const lessIsBetter: readonly string[] = ['loss', 'absoluteError'];

/** A figure of metrics by name; the loss is one of them. */
export function figureOf(name: string, { loss, metrics }: Metrics): number | undefined {
  return name === 'loss' ? loss : metrics[name];
}

/** One line of metrics.jsonl: `loss` and `metrics` are over the epoch, as the weights went. */
export interface EpochRecord extends Metrics {
  /** From 1. */
  readonly epoch: number;
  /** On the test data, after the epoch. */
  readonly test: Metrics;
  /** On the validation data, if there is any. */
  readonly validation?: Metrics;
  /** In a run that keeps the best epoch, whether its weights took the place of those kept before; absent in older records. */
  readonly kept?: boolean;
  readonly learningRate: number;
  readonly examplesPerSecond: number;
  /** Seconds of training alone, without evaluation. */
  readonly seconds: number;
  /** Of these, seconds in which nothing was computed because the data was not there yet; absent in older records. */
  readonly waited?: number;
  readonly examples: number;
  /** By layer path, in the order of the network, after the epoch. */
  readonly batchNorm: Readonly<Record<string, BatchNormValues>>;
}

/** The first epoch with the best figure in a part; undefined if there is none. */
export function bestBy<T>(name: string, epochs: readonly T[], of: (epoch: T) => Metrics | undefined): T | undefined {
  const sign = lessIsBetter.includes(name) ? 1 : -1;
  const known = epochs.flatMap((epoch) => {
    const part = of(epoch);
    const figure = part && figureOf(name, part);
    return Number.isFinite(figure) ? [{ epoch, score: sign * figure! }] : [];
  });
  return known.sort((a, b) => a.score - b.score)[0]?.epoch;
}

/** The figure of the validation data by which a run keeps its best epoch; null if it keeps the last one. */
export function keptBy({ keep, keepBy }: { readonly keep?: unknown; readonly keepBy?: unknown }): string | null {
  return keep === 'best' ? String(keepBy ?? 'loss') : null;
}

/** The best epoch by a figure of the validation data; undefined as long as there is none. */
export function bestValidated<T extends { readonly validation?: Metrics }>(
  by: string | null,
  epochs: readonly T[],
): T | undefined {
  return by === null ? undefined : bestBy(by, epochs, ({ validation }) => validation);
}

/** The epoch that a run keeps; undefined as long as there is none. Older records do not say which: then it was the best. */
export function keptEpoch(by: string | null, epochs: readonly EpochRecord[]): EpochRecord | undefined {
  return by === null ? undefined : (epochs.findLast(({ kept }) => kept) ?? bestValidated(by, epochs));
}

/** The epoch whose weights count. */
interface KeptEpoch {
  readonly epoch: number;
  /** The figure that it was chosen by, and its value on the validation data. */
  readonly by: string;
  readonly value: number;
}

/** The figures a run ends with: `loss` and `metrics` are those of the epoch that is kept. */
export interface RunSummary extends Metrics {
  /** Absent where the last one is kept, whatever its figures. */
  readonly kept?: KeptEpoch;
  /** With the moving averages that training has kept. */
  readonly test: Metrics;
  /** With statistics recomputed over the training data under the final weights, if there are any. */
  readonly recalibrated?: Metrics;
  /** Over the whole run, training alone. */
  readonly examplesPerSecond: number;
  readonly device: string;
}

/** A test example that the trained network gets wrong. */
export interface Mistake extends Picture {
  /** In the test data, from 0. */
  readonly index: number;
  /** For people: a class, labels, or values. */
  readonly actual: string;
  readonly answer: string;
  /** Of a class, the probability that the network gives its answer. */
  readonly confidence?: number | undefined;
}

/** Figures for each class, label or value, and of all; null where there is nothing to take a share of. */
export interface MeasureTable {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}

/** What the answers for all test examples say. */
export interface TestResult {
  /** In the order of the confusion's rows. */
  readonly names: readonly string[];
  /** Empty where the answer is not one of several classes. */
  readonly confusion: Confusion;
  readonly measures: MeasureTable;
  /** The most confident ones, or those with the largest errors, first. */
  readonly mistakes: readonly Mistake[];
}

/** Pictures of what the network sees. */
export interface Views {
  /** Training images, and what augmentation makes of each in several steps. */
  readonly seen: readonly { readonly original: Picture; readonly seen: readonly Picture[] }[];
  /** Test images, and how much each part speaks for the network's answer at the output of a layer. */
  readonly activations: readonly {
    readonly index: number;
    readonly picture: Picture;
    readonly map: { readonly values: Float32Array; readonly height: number; readonly width: number };
    readonly layer: string;
    readonly actual: string;
    readonly answer: string;
  }[];
}

export interface RunRecord {
  readonly config: Readonly<Record<string, unknown>>;
  readonly description: RunDescription;
  readonly epochs: readonly EpochRecord[];
  readonly summary: RunSummary;
  readonly result: TestResult;
  readonly views: Views;
}
