// Fashion-MNIST in the shape that a network takes.

import type { Dataset } from '@bn/core';
import { fashionMnist } from '@bn/fashion-mnist';

/** The first training images, and the test images, as uint8 `shape`: black margins, the channel repeated. */
export async function loadImages(
  shape: readonly [number, number, number],
  examples: number,
): Promise<{ train: Dataset; test: Dataset }> {
  const { train, test } = await fashionMnist();
  return { train: reshaped(train, shape, Math.min(examples, train.length)), test: reshaped(test, shape, test.length) };
}

function reshaped(dataset: Dataset, shape: readonly [number, number, number], length: number): Dataset {
  if (length === dataset.length && String(shape) === String(dataset.features.shape)) return dataset;
  const [channels, height, width] = shape;
  const size = channels * height * width;
  const [top, left] = [(height - 28) / 2, (width - 28) / 2];
  const features = new Uint8Array(length * size);
  const labels = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    const example = dataset.get(i);
    const pixels = example.features as Uint8Array;
    labels[i] = example.label as number;
    for (let row = 0; row < 28 * channels; row++) {
      const [channel, y] = [Math.floor(row / 28), row % 28];
      const to = i * size + (channel * height + top + y) * width + left;
      features.set(pixels.subarray(28 * y, 28 * (y + 1)), to);
    }
  }
  return {
    length,
    features: { shape, dtype: 'uint8' },
    get: (i) => ({ features: features.subarray(i * size, (i + 1) * size), label: labels[i]! }),
    fill(indices, batch, batchLabels) {
      for (let i = 0; i < indices.length; i++) {
        batch.set(features.subarray(indices[i]! * size, (indices[i]! + 1) * size), i * size);
        batchLabels[i] = labels[indices[i]!]!;
      }
    },
  };
}
