// Trains and predicts beside the page, which stays alive.

import { type Backend, createTrainer, defineModel, type Signature } from '@bn/core';
import { MemoryDataset } from '@bn/datasets/browser';
import { exportInference, openPredictor, type Predictor } from '@bn/onnx';
import { createBackend } from '@bn/wasm';
import type { Examples, FromWorker, ToWorker } from './messages.js';
import { fitting, network, side, training } from './settings.js';

const shape = [3, side, side] as const;
let backend: Promise<Backend> | undefined;
/** The network as an ONNX file, and opened. */
let file: Uint8Array | undefined;
let predictor: Predictor | undefined;

const tell = (message: FromWorker) => postMessage(message);

async function train({ classNames, pixels, labels }: Examples): Promise<void> {
  backend ??= createBackend();
  const train = new MemoryDataset({ features: pixels, shape, labels, classNames });
  const model = defineModel(network(classNames.length), { input: { shape: [null, ...shape], dtype: 'float32' } });
  const trainer = await createTrainer({ model, backend: await backend, ...training });
  try {
    for await (const event of trainer.fit({ train, ...fitting })) {
      if (event.type !== 'epoch') continue;
      tell({
        type: 'progress',
        share: event.epoch / event.epochs,
        loss: event.loss,
        accuracy: event.metrics.accuracy ?? 0,
      });
    }
    // Few steps leave the running statistics of batch normalization behind the weights.
    await trainer.recalibrate(train, { batchSize: 64 });
    const metadata = { signature: JSON.stringify(signatureOf(classNames)) };
    file = exportInference(model, await trainer.values(), { metadata });
  } finally {
    await trainer.dispose();
  }
  await predictor?.dispose();
  predictor = await openPredictor(file, await backend);
  tell({ type: 'trained' });
}

/** What the file says of itself, so that other programs take pictures and give names. */
function signatureOf(names: readonly string[]): Signature {
  const image = {
    channels: 3,
    height: side,
    width: side,
    order: 'CHW',
    range: [0, 255],
    mean: [],
    deviation: [],
  } as const;
  return {
    input: { name: 'features', dtype: 'uint8', shape, image },
    output: { name: 'probabilities', kind: 'probabilities', size: names.length, names },
  };
}

async function handle(message: ToWorker): Promise<void> {
  if (message.type === 'train') await train(message);
  else if (message.type === 'export' && file) tell({ type: 'model', bytes: new Uint8Array(file) });
  else if (message.type === 'classify' && predictor) {
    const answer = await predictor.classify(message.pixels);
    if ('classes' in answer) tell({ type: 'classes', classes: answer.classes });
  }
}

/** One thing after the other. */
let doing: Promise<void> = Promise.resolve();
addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  doing = doing.then(() => handle(data)).catch(({ message }: Error) => tell({ type: 'failed', message }));
});
