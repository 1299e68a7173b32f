// Fashion-MNIST in the shape that a network takes.

import { type Dataset, sizeOf } from '@bn/core';
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

/** The first examples as one batch: bytes in row-major order, and labels. */
export function batchOf(dataset: Dataset, length: number): { features: Uint8Array; labels: Int32Array } {
  const features = new Uint8Array(length * sizeOf(dataset.features.shape));
  const labels = new Int32Array(length);
  const indices = Array.from({ length }, (_, i) => i);
  dataset.fill!(indices, features, labels);
  return { features, labels };
}

/** The first examples as peers take them: float32 from 0 to 1, [examples, channels, height, width]; with `channelsLast` [examples, height, width, channels]. */
export function numbersOf(
  dataset: Dataset,
  length: number,
  { channelsLast = false } = {},
): { features: Float32Array; labels: Int32Array } {
  const { features: bytes, labels } = batchOf(dataset, length);
  const [channels, height, width] = dataset.features.shape as readonly [number, number, number];
  const area = height * width;
  const features = new Float32Array(bytes.length);
  if (!channelsLast || channels === 1) {
    for (let i = 0; i < bytes.length; i++) features[i] = bytes[i]! / 255;
    return { features, labels };
  }
  for (let i = 0; i < bytes.length; i++) {
    const [example, channel, pixel] = [Math.floor(i / area / channels), Math.floor(i / area) % channels, i % area];
    features[(example * area + pixel) * channels + channel] = bytes[i]! / 255;
  }
  return { features, labels };
}
