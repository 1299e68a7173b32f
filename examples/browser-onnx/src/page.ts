// The page: takes the files, goes on training with their batches, shows the losses, and gives the new values back.

import { assembleBatch, type Dataset, sameShape } from '@bn/core';
import { fetchIdx } from '@bn/datasets/browser';
import { openTraining, type StepResult, type Training } from './training.js';

interface Opened {
  readonly training: Training;
  readonly data: Dataset;
}

const find = <T extends Element>(selector: string) => document.querySelector<T>(selector)!;
const files = find<HTMLInputElement>('#files');
const learningRate = find<HTMLInputElement>('#learning-rate');
const steps = find<HTMLInputElement>('#steps');
const start = find<HTMLButtonElement>('#start');
const stop = find<HTMLButtonElement>('#stop');
const save = find<HTMLButtonElement>('#save');
const status = find<HTMLOutputElement>('#status');
const rows = find<HTMLTableSectionElement>('#results');
const curve = find<SVGPolylineElement>('#curve polyline');

let opened: Opened | undefined;
let running = false;
const losses: number[] = [];

files.addEventListener('change', () => guarded(open));
start.addEventListener('click', () => guarded(train));
stop.addEventListener('click', () => {
  running = false;
});
save.addEventListener('click', () => {
  const address = URL.createObjectURL(new Blob([opened!.training.save()]));
  Object.assign(document.createElement('a'), { href: address, download: 'continued.safetensors' }).click();
  URL.revokeObjectURL(address);
});

/** Failures are for the reader of the page. */
async function guarded(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    status.value = `It does not go on: ${(error as Error).message.replaceAll(/blob:[^ #]*#/g, '')}`;
    show('failed');
  }
}

async function open(): Promise<void> {
  const chosen = [...files.files!];
  const [model, values, imageFile, labelFile] = [/\.onnx$/, /\.safetensors$/, /images/, /labels/].map((name) =>
    chosen.find((file) => name.test(file.name)),
  );
  if (!model || !values || !imageFile || !labelFile) {
    status.value = 'Needed are four files: train.onnx, train.safetensors, images and labels.';
    return;
  }
  const bytesOf = async (file: File) => new Uint8Array(await file.arrayBuffer());
  const training = await openTraining(await bytesOf(model), await bytesOf(values));
  const data = await fetchIdx({ images: addressOf(imageFile), labels: addressOf(labelFile) });
  const [batchSize, ...shape] = training.shape;
  if (!sameShape(shape, data.features.shape)) {
    throw new Error(`it takes images of ${shape.join(' × ')} pixels, not of ${data.features.shape.join(' × ')}`);
  }
  if (data.length < batchSize!) throw new Error(`there are fewer images than the ${batchSize} of a batch`);
  opened = { training, data };
  losses.length = 0;
  rows.replaceChildren();
  learningRate.value = String(training.learningRate);
  status.value = `Ready: ${data.length.toLocaleString('en-US')} images, ${batchSize} in a batch.`;
  show('ready');
}

/** Under which a chosen file can be fetched; its name at the end is for messages. */
function addressOf(file: File): string {
  return `${URL.createObjectURL(file)}#${file.name}`;
}

async function train(): Promise<void> {
  const { training, data } = opened!;
  running = true;
  show('running');
  const began = performance.now();
  const wanted = steps.valueAsNumber;
  for (let done = 0; running && done < wanted; done++) {
    const { features, labels } = assembleBatch(data, batchIndices(data.length, training.shape[0]!, losses.length));
    display(await training.step(features, labels, learningRate.valueAsNumber), labels.length);
    const speed = ((done + 1) * labels.length * 1000) / (performance.now() - began);
    status.value = `${done + 1} of ${wanted} steps, ${Math.round(speed).toLocaleString('en-US')} examples/s`;
    // The page answers between steps.
    await new Promise((resolve) => setTimeout(resolve));
  }
  show('ready');
}

/** Whole batches in the order of the file, again and again. */
function batchIndices(examples: number, size: number, index: number): number[] {
  const first = (index % Math.floor(examples / size)) * size;
  return Array.from({ length: size }, (_, i) => first + i);
}

function display({ step, loss, correct }: StepResult, examples: number): void {
  losses.push(loss);
  const row = document.createElement('tr');
  for (const text of [String(step), loss.toFixed(6), (correct / examples).toFixed(3)]) {
    row.append(Object.assign(document.createElement('td'), { textContent: text }));
  }
  rows.prepend(row);
  const highest = Math.max(...losses);
  const points = losses.map((y, i) => `${(i * 100) / Math.max(1, losses.length - 1)},${40 - (38 * y) / highest}`);
  curve.setAttribute('points', points.join(' '));
}

function show(state: 'ready' | 'running' | 'failed'): void {
  document.body.dataset.state = state;
  files.disabled = state === 'running';
  start.disabled = state !== 'ready';
  stop.disabled = state !== 'running';
  save.disabled = state !== 'ready' || losses.length === 0;
}
