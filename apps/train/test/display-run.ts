// A small run as a display gets it: two epochs of two steps, with test data.

import type { OutputStream } from '@bn/command-line';
import type { EpochTotals, TrainerEvent } from '@bn/core';
import type { RunOutcome, RunStart } from '../src/display/display.js';

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
  keptBy: null,
  history: [],
};

export const outcome: RunOutcome = {
  summary: {
    loss: 0.2671,
    metrics: { accuracy: 0.9012 },
    test: { loss: 0.47, metrics: { accuracy: 0.8534 } },
    recalibrated: { loss: 0.4, metrics: { accuracy: 0.8791 } },
    examplesPerSecond: 21544.31,
    device: 'cpu',
  },
  firstBatchNorm: { path: 'bn1', gamma: [1.93712, 2.0912], beta: [0.1812, -1.23111] },
  folder: 'runs/first',
};

export function eventsOf(epoch: number, { loss = 0.412, metric = 'accuracy' } = {}): TrainerEvent[] {
  const metrics = { [metric]: 0.849 };
  const totals: EpochTotals = {
    loss,
    metrics,
    examples: 60000,
    seconds: 3.52,
    waited: 0.01,
    examplesPerSecond: 17043.4,
  };
  const step = (index: number): TrainerEvent => ({
    type: 'step',
    epoch,
    step: index,
    stepsPerEpoch: 2,
    loss,
    metrics,
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
      metrics: { [metric]: 0.832 },
      answers: Int32Array.of(1, 2),
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
