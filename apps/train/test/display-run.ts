// A small run as a display gets it: two epochs of two steps, with test data.

import type { OutputStream } from '@bn/command-line';
import type { EpochTotals, TrainerEvent } from '@bn/core';
import type { RunOutcome, RunStart } from '../src/display/index.js';

export const run: RunStart = {
  description: {
    model: 'LeNet',
    data: 'Fashion-MNIST',
    backend: 'wasm',
    device: 'cpu',
    deviceReason: 'no CUDA: no GPU',
    versions: {},
  },
  epochs: 2,
  history: [],
};

export const outcome: RunOutcome = {
  summary: {
    loss: 0.2671,
    trainAccuracy: 0.9012,
    testAccuracy: 0.8534,
    recalibratedTestAccuracy: 0.8791,
    examplesPerSecond: 21544.31,
    device: 'cpu',
  },
  firstBatchNorm: { path: 'bn1', gamma: [1.93712, 2.0912], beta: [0.1812, -1.23111] },
  folder: 'runs/first',
};

/** Null accuracy stands for regression. */
export function eventsOf(epoch: number, { loss = 0.412, accuracy = 0.849 as number | null } = {}): TrainerEvent[] {
  const totals: EpochTotals = { loss, accuracy, examples: 60000, seconds: 3.52, examplesPerSecond: 17043.4 };
  const step = (index: number): TrainerEvent => ({
    type: 'step',
    epoch,
    step: index,
    stepsPerEpoch: 2,
    loss,
    accuracy,
    examples: 256,
    learningRate: 1,
    epochSoFar: totals,
  });
  return [
    step(1),
    step(2),
    { type: 'epoch', epoch, epochs: 2, learningRate: 1, ...totals },
    {
      type: 'evaluation',
      epoch,
      seconds: 0.3,
      loss: 0.47,
      accuracy: accuracy === null ? null : 0.832,
      predicted: accuracy === null ? null : Int32Array.of(1, 2),
    },
    { type: 'checkpoint', reason: 'epoch', epoch, step: 0 },
  ];
}

/** Keeps what is written. */
export function recordingStream(terminal: Omit<OutputStream, 'write'> = {}): OutputStream & { readonly text: string } {
  const stream = {
    text: '',
    write(text: string) {
      stream.text += text;
    },
    ...terminal,
  };
  return stream;
}
