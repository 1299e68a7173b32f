// Trains in a worker, so that the page stays free, and tells the page what happens.

import { type Backend, createTrainer, type Dataset, type Trainer } from '@bn/core';
import { fetchIdx, subset } from '@bn/datasets/browser';
import { fashionMnistClassNames as classNames } from '@bn/fashion-mnist/browser';
import testImages from '@bn/fashion-mnist/data/t10k-images-idx3-ubyte.gz?url';
import testLabels from '@bn/fashion-mnist/data/t10k-labels-idx1-ubyte.gz?url';
import trainImages from '@bn/fashion-mnist/data/train-images-idx3-ubyte.gz?url';
import trainLabels from '@bn/fashion-mnist/data/train-labels-idx1-ubyte.gz?url';
import { createBackend } from '@bn/wasm';
import type { Samples, Snapshot, ToPage, ToWorker } from './messages.js';
import { fitting, model, training } from './settings.js';

const samplesShown = 12;
/** Milliseconds between snapshots. */
const snapshotInterval = 500;

interface Loaded {
  readonly backend: Backend;
  readonly train: Dataset;
  readonly test: Dataset;
  /** Features of the samples, as the trainer takes them. */
  readonly samples: Uint8Array;
}

let loaded: Loaded;
let trainer: Trainer;
let pausing = new AbortController();
/** What the worker is doing: messages are dealt with one after the other, but for pause. */
let doing: Promise<void> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === 'pause' || data.type === 'reset') pausing.abort();
  if (data.type === 'pause') return;
  doing = doing
    .then(() => (data.type === 'load' ? load(data) : data.type === 'train' ? train(data.epochs) : reset()))
    .catch((error: Error) => tell({ type: 'failed', message: error.message }));
});

async function load({ threads, limit }: { threads?: number; limit?: number }): Promise<void> {
  const address = (file: string) => new URL(file, import.meta.url);
  const [backend, train, test] = await Promise.all([
    createBackend({ threads }),
    fetchIdx({ images: address(trainImages), labels: address(trainLabels) }, { classNames }),
    fetchIdx({ images: address(testImages), labels: address(testLabels) }, { classNames }),
  ]);
  const part = (dataset: Dataset) => subset(dataset, Math.min(limit ?? dataset.length, dataset.length));
  const examples = Array.from({ length: samplesShown }, (_, i) => test.get(i));
  const samples = new Uint8Array(samplesShown * 784);
  examples.forEach(({ features }, i) => {
    samples.set(features, i * 784);
  });
  loaded = { backend, train: part(train), test: part(test), samples };
  const shown: Samples = { pixels: samples, labels: examples.map(({ label }) => classNames[Number(label)]) };
  trainer = await createTrainer({ model, backend, ...training });
  tell({ type: 'ready', device: backend.device, samples: shown, snapshot: await takeSnapshot(0) });
}

async function train(epochs: number): Promise<void> {
  pausing = new AbortController();
  let at = 0;
  let shown = 0;
  const show = async () => {
    shown = performance.now();
    tell({ type: 'snapshot', snapshot: await takeSnapshot(at) });
  };
  for await (const event of trainer.fit({ ...loaded, ...fitting, epochs, signal: pausing.signal })) {
    tell({ type: 'event', event });
    if (event.type === 'step') {
      at = event.epoch - 1 + event.step / event.stepsPerEpoch;
      if (performance.now() - shown > snapshotInterval) await show();
    }
    await messages();
  }
  if (at > 0) await show();
  tell({ type: 'stopped' });
}

async function reset(): Promise<void> {
  await trainer.dispose();
  trainer = await createTrainer({ model, backend: loaded.backend, ...training });
  tell({ type: 'snapshot', snapshot: await takeSnapshot(0) });
}

async function takeSnapshot(epochs: number): Promise<Snapshot> {
  const values = await trainer.values();
  const of = (path: string) => Array.from(values.get(path)!.data);
  const logits = await trainer.predict(loaded.samples);
  const predictions = Array.from({ length: samplesShown }, (_, i) => {
    const row = logits.subarray(i * classNames.length, (i + 1) * classNames.length);
    const highest = Math.max(...row);
    const probability = 1 / row.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
    return { name: classNames[row.indexOf(highest)], probability };
  });
  return { epochs, gamma: of('bn1.gamma'), beta: of('bn1.beta'), predictions };
}

/** Lets messages come in: training itself never waits for anything else. */
function messages(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

function tell(message: ToPage): void {
  postMessage(message);
}
