// A model's speed by batch size, from features in memory to answers in memory.

import { createArray, sizeOf } from '@bn/core';
import type { InferenceModel } from '../model/open-model.js';
import { type Timing, type TimingOptions, timeRuns } from './time-runs.js';

export interface BatchTiming extends Timing {
  readonly batchSize: number;
  readonly examplesPerSecond: number;
}

/** @returns a batch size's figures as soon as they are there; ends early if the signal says so */
export async function* benchmarkModel(
  model: InferenceModel,
  batchSizes: readonly number[],
  options: TimingOptions,
): AsyncGenerator<BatchTiming> {
  const { shape, dtype } = model.input.spec;
  for (const batchSize of batchSizes) {
    // Any numbers but zeros, which some kernels are faster with.
    const features = createArray(dtype, batchSize * sizeOf(shape.slice(1)));
    for (let i = 0; i < features.length; i++) features[i] = dtype === 'uint8' ? (i * 37) % 256 : ((i * 37) % 256) / 255;
    const timing = await timeRuns(() => model.answer(features), options);
    if (!timing) return;
    yield { batchSize, examplesPerSecond: (batchSize * timing.runs) / timing.seconds, ...timing };
  }
}
