// A model file that answers by names, on a backend.

import {
  classification,
  createTrainer,
  defineModel,
  dense,
  flatten,
  multiLabel,
  type Objective,
  regression,
  sequential,
  sgd,
} from '@bn/core';
import { exportInference, openPredictor } from '@bn/onnx';
import { createBackend } from '@bn/reference';
import { expect, onTestFinished, test } from 'vitest';

const image = { channels: 1, height: 2, width: 3, order: 'CHW', range: [0, 255], mean: [], deviation: [] };
const pixels = Uint8Array.of(0, 51, 102, 153, 204, 255);

async function opened(objective: Objective, kind: string, names: readonly string[] | null) {
  const backend = await createBackend();
  onTestFinished(() => backend.dispose());
  const network = sequential({ flatten: flatten(), out: dense(2) });
  const model = defineModel(network, { input: { shape: [null, 1, 2, 3], dtype: 'float32' } });
  const trainer = await createTrainer({ model, backend, objective, optimizer: sgd(), seed: 3 });
  const signature = {
    input: { name: 'features', dtype: 'uint8', shape: [1, 2, 3], image },
    output: { name: kind, kind, size: 2, names },
  };
  const metadata = { signature: JSON.stringify(signature) };
  const bytes = exportInference(model, await trainer.values(), { objective, metadata });
  const logits = await trainer.predict(pixels);
  return { predictor: await openPredictor(bytes, backend), logits };
}

test('classes, from pixels and from an image in memory, until it is disposed of', async () => {
  const { predictor, logits } = await opened(classification(), 'probabilities', ['cat', 'dog']);
  const first = logits[0]! > logits[1]! ? 'cat' : 'dog';
  const answer = await predictor.classify(pixels);
  expect(answer).toMatchObject({ classes: [{ class: first }, {}] });
  const data = Uint8ClampedArray.from({ length: 24 }, (_, i) => (i % 4 === 3 ? 255 : pixels[i >> 2]!));
  expect(await predictor.classify({ data, width: 3, height: 2 })).toEqual(answer);
  const two = await predictor.predict(Uint8Array.of(...pixels, ...pixels));
  expect(two.slice(2)).toEqual(two.slice(0, 2));
  await predictor.dispose();
  await expect(predictor.classify(pixels)).rejects.toThrow('disposed');
});

test('labels and values are answered as such', async () => {
  const labels = await opened(multiLabel(), 'scores', ['red', 'round']);
  expect(await labels.predictor.classify(pixels)).toMatchObject({ scores: [{ score: expect.any(Number) }, {}] });
  const values = await opened(regression(), 'values', null);
  const [x, y] = Array.from(values.logits, (value) => expect.closeTo(value, 5));
  expect(await values.predictor.classify(pixels)).toEqual({
    values: [
      { name: '0', value: x },
      { name: '1', value: y },
    ],
  });
});
