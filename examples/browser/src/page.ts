// The page: buttons to the worker, and what the worker tells to figures, curves and images.

import './style.css';
import type { EpochEvent, StepEvent, TrainerEvent } from '@bn/core';
import { Chart } from './chart.js';
import type { Snapshot, ToPage, ToWorker } from './messages.js';
import { Predictions } from './predictions.js';

const parameters = new URLSearchParams(location.search);
const number = (name: string) => (parameters.has(name) ? Number(parameters.get(name)) : undefined);
const epochsPerStart = number('epochs') ?? 10;
/** Milliseconds between drawings: what is spent on them is taken from training. */
const drawingInterval = 500;

const channels = Array.from({ length: 6 }, (_, i) => `channel ${i + 1}`);
const fixed = (digits: number) => (value: number) => value.toFixed(digits);
const batchLoss = new Chart('batch-loss', { names: ['loss'], format: fixed(2) });
const epochLoss = new Chart('epoch-loss', { names: ['train', 'test'], format: fixed(2), points: true });
const epochAccuracy = new Chart('epoch-accuracy', {
  names: ['train', 'test'],
  format: fixed(3),
  points: true,
  highest: 1,
});
const gamma = new Chart('gamma', { names: channels, format: fixed(2) });
const beta = new Chart('beta', { names: channels, format: fixed(2) });
const charts = [batchLoss, epochLoss, epochAccuracy, gamma, beta];

const main = document.querySelector('main')!;
const find = (id: string) => document.getElementById(id)!;
const trainButton = find('train') as HTMLButtonElement;
const resetButton = find('reset') as HTMLButtonElement;
const progress = find('progress') as HTMLProgressElement;

type State = 'loading' | 'ready' | 'training' | 'pausing' | 'paused' | 'finished' | 'failed';
let state: State = 'loading';
let epochs = epochsPerStart;
let epochsDone = 0;
/** The last step, to be shown at the next drawing. */
let lastStep: StepEvent | undefined;
let trainOfEpoch: EpochEvent;
let predictions: Predictions;
/** Messages of a training that was reset meanwhile are no longer of interest. */
let resetting = false;

const worker = new Worker(new URL('./training-worker.ts', import.meta.url), { type: 'module' });
const tell = (message: ToWorker) => worker.postMessage(message);
worker.addEventListener('message', ({ data }: MessageEvent<ToPage>) => receive(data));
worker.addEventListener('error', ({ message }) => fail(message || 'the worker could not be loaded'));
tell({ type: 'load', threads: number('threads'), limit: number('limit') });

trainButton.addEventListener('click', () => {
  if (state === 'training') {
    enter('pausing', 'Pausing …');
    tell({ type: 'pause' });
    return;
  }
  if (state === 'finished') epochs += epochsPerStart;
  enter('training', `Training, epoch ${Math.min(epochsDone + 1, epochs)} of ${epochs}`);
  tell({ type: 'train', epochs });
});

resetButton.addEventListener('click', () => {
  resetting = true;
  epochs = epochsPerStart;
  epochsDone = 0;
  lastStep = undefined;
  for (const chart of charts) chart.clear();
  for (const id of ['epoch', 'loss', 'train-accuracy', 'test-accuracy', 'speed']) find(id).textContent = '–';
  progress.value = 0;
  enter('loading', 'Back to the first values …');
  tell({ type: 'reset' });
});

function receive(message: ToPage): void {
  if (message.type === 'failed') fail(message.message);
  else if (message.type === 'ready') {
    showDevice(message.device);
    predictions = new Predictions(message.samples);
    show(message.snapshot);
    enter('ready', 'Ready');
  } else if (resetting) {
    if (message.type !== 'snapshot' || message.snapshot.epochs > 0) return;
    resetting = false;
    show(message.snapshot);
    enter('ready', 'Ready');
  } else if (message.type === 'event') hear(message.event);
  else if (message.type === 'snapshot') show(message.snapshot);
  else if (epochsDone >= epochs) enter('finished', `Trained ${epochs} epochs`);
  else enter('paused', 'Paused');
}

function hear(event: TrainerEvent): void {
  if (event.type === 'step') {
    batchLoss.add(epochsAt(event), [event.loss]);
    lastStep = event;
  } else if (event.type === 'epoch') trainOfEpoch = event;
  else if (event.type === 'evaluation') {
    epochsDone = event.epoch;
    epochLoss.add(event.epoch, [trainOfEpoch.loss, event.loss]);
    epochAccuracy.add(event.epoch, [trainOfEpoch.metrics.accuracy!, event.metrics.accuracy!]);
    find('test-accuracy').textContent = event.metrics.accuracy!.toFixed(3);
    if (state === 'training' && event.epoch < epochs) {
      enter(
        'training',
        `Training, epoch ${event.epoch + 1} of ${epochs}; test accuracy ${event.metrics.accuracy!.toFixed(3)}`,
      );
    }
  }
}

function epochsAt({ epoch, step, stepsPerEpoch }: StepEvent): number {
  return epoch - 1 + step / stepsPerEpoch;
}

function draw(): void {
  for (const chart of charts) chart.draw();
  if (!lastStep) return;
  const { loss, metrics, examplesPerSecond } = lastStep.epochSoFar;
  progress.value = epochsAt(lastStep) / epochs;
  find('epoch').textContent = `${lastStep.epoch} of ${epochs}`;
  find('loss').textContent = loss.toFixed(3);
  find('train-accuracy').textContent = metrics.accuracy!.toFixed(3);
  find('speed').textContent = Math.round(examplesPerSecond).toLocaleString('en');
  lastStep = undefined;
}

function show(snapshot: Snapshot): void {
  gamma.add(snapshot.epochs, snapshot.gamma);
  beta.add(snapshot.epochs, snapshot.beta);
  predictions.show(snapshot);
}

function showDevice({ description, reason }: { description: string; reason?: string }): void {
  find('threads').textContent = /(\d+) threads?/.exec(description)![1];
  find('threads').title = description;
  find('reason').hidden = reason === undefined;
  find('reason').textContent = reason ?? '';
}

function enter(next: State, status: string): void {
  state = next;
  main.dataset.state = next;
  find('status').textContent = status;
  trainButton.disabled = next === 'loading' || next === 'pausing' || next === 'failed';
  resetButton.disabled = next === 'loading' || next === 'ready' || next === 'failed';
  const texts: Partial<Record<State, string>> = {
    training: 'Pause',
    pausing: 'Pause',
    paused: 'Continue',
    finished: `${epochsPerStart} more`,
  };
  trainButton.textContent = texts[next] ?? 'Start';
}

function fail(message: string): void {
  enter('failed', `Stopped: ${message}`);
}

// Frames come only while the page can be seen.
setInterval(() => requestAnimationFrame(draw), drawingInterval);
