// Records a run for TensorBoard: scalars of every step and epoch, histograms of gamma, beta and activations after epochs.

import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeError } from '@bn/command-line';
import { assembleBatch, type Dataset, type Metrics, type Trainer, type TrainerEvent } from '@bn/core';
import type { EpochRecord } from '../run-record.js';
import { encodeEvent, type LoggedEvent, type LoggedValue } from './encode-event.js';

export interface EventLog {
  /** To be called, and waited for, with each event, after it is recorded; `epochs` are those of the run so far. */
  record(event: TrainerEvent, epochs: readonly EpochRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** Examples whose activations are looked at: the first of the training data, so that epochs can be compared. */
const observedExamples = 16;
/** Milliseconds after which what was told is written. */
const interval = 1000;

/**
 * Begins a new file in the folder of the run, as each process does that trains it.
 *
 * @param done steps of the run that are done: TensorBoard drops what earlier files tell of later ones
 */
export async function createEventLog(
  folder: string,
  { trainer, train, done }: { readonly trainer: Trainer; readonly train: Dataset; readonly done: number },
): Promise<EventLog> {
  const seconds = () => Date.now() / 1000;
  // TensorBoard reads the files of a folder in the order of their names.
  const file = join(folder, `events.out.tfevents.${Date.now()}.${hostname()}.${process.pid}`);
  const handle = await open(file, 'ax').catch((cause: unknown) => {
    throw writeError(file, cause);
  });
  let waiting: Uint8Array[] = [];
  let writtenAt = performance.now();
  const log = (event: Omit<LoggedEvent, 'time'>) => waiting.push(encodeEvent({ time: seconds(), ...event }));
  const write = async () => {
    const bytes = Buffer.concat(waiting);
    [waiting, writtenAt] = [[], performance.now()];
    await handle.appendFile(bytes).catch((cause: unknown) => {
      throw writeError(file, cause);
    });
  };
  log({ step: 0, version: 'brain.Event:2' });
  if (done > 0) log({ step: done + 1, isRestart: true });
  await write();

  let step = done;
  return {
    async record(event, epochs) {
      if (event.type === 'step') {
        step = (event.epoch - 1) * event.stepsPerEpoch + event.step;
        const rate = { tag: 'learning_rate', scalar: event.learningRate };
        log({ step, values: [...scalarsOf('step', event), rate] });
      }
      const last = epochs.at(-1);
      if (event.type === 'checkpoint' && event.reason === 'epoch' && last?.epoch === event.epoch) {
        log({ step, values: [...epochValues(last), ...(await activationsOf(trainer, train, last.learningRate))] });
      }
      if (event.type === 'checkpoint' || performance.now() - writtenAt > interval) await write();
    },
    async close() {
      await write().finally(() => handle.close());
    },
  };
}

/** `loss/test`, `accuracy/test`. */
function scalarsOf(part: string, { loss, metrics }: Metrics): LoggedValue[] {
  return Object.entries({ loss, ...metrics }).map(([name, scalar]) => ({ tag: `${name}/${part}`, scalar }));
}

function epochValues({ batchNorm, ...record }: EpochRecord): LoggedValue[] {
  const parts = Object.entries(record).filter((entry): entry is [string, Metrics] => {
    const [, value] = entry as [string, unknown];
    return typeof value === 'object' && value !== null && 'loss' in value;
  });
  return [
    ...scalarsOf('train', record),
    ...parts.flatMap(([part, metrics]) => scalarsOf(part, metrics)),
    { tag: 'examples_per_second', scalar: record.examplesPerSecond },
    ...Object.entries(batchNorm).flatMap(([layer, { gamma, beta }]) => [
      { tag: `gamma/${layer}`, numbers: gamma },
      { tag: `beta/${layer}`, numbers: beta },
    ]),
  ];
}

/** Of each layer, what a training step would compute now. */
async function activationsOf(trainer: Trainer, train: Dataset, learningRate: number): Promise<LoggedValue[]> {
  const indices = Array.from({ length: Math.min(observedExamples, train.length) }, (_, i) => i);
  const observations = await trainer.observe(assembleBatch(train, indices), { learningRate });
  return observations.flatMap(({ kind, layer, data }) =>
    kind === 'activation' && layer !== '' ? [{ tag: `activation/${layer}`, numbers: data }] : [],
  );
}
