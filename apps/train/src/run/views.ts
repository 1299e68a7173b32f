// Pictures that show what a trained network sees: augmented training images, and where it looks on test images.

import type { RunData } from '@bn/command-line';
import {
  applyInTraining,
  assembleBatch,
  type Backend,
  BnError,
  classActivations,
  type Dataset,
  type Trainer,
} from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import { augmentationOf } from '../load/augmented.js';
import type { FittedModel } from '../load/fit-model.js';
import { isPicture, pictureOf } from '../report/picture.js';
import type { TestResult, Views } from '../run-record.js';

/** Training images, and how often each is shown as the network sees it. */
const [seenImages, timesSeen] = [6, 7];
/** Test images whose class activations are shown, of right answers and of mistakes. */
const mostLookedAt = 8;

/** Empty lists where there is nothing to be shown: examples that are no pictures, no augmentation, a network that flattens at once. */
export async function viewsOf(
  trainer: Trainer,
  { data, fitted, config, backend }: { data: RunData; fitted: FittedModel; config: RunConfig; backend: Backend },
  result: TestResult,
  answers: ArrayLike<number>,
): Promise<Views> {
  if (!isPicture(data.train.features.shape)) return { seen: [], activations: [] };
  const activations =
    config.task === 'classify' ? await activationsOf(trainer, { data, fitted, backend }, result, answers) : [];
  return { seen: await seenIn(data.train, { fitted, config, backend }), activations };
}

async function seenIn(
  train: Dataset,
  { fitted, config, backend }: { fitted: FittedModel; config: RunConfig; backend: Backend },
): Promise<Views['seen']> {
  const augmentation = augmentationOf(config.augment);
  if (!augmentation) return [];
  const every = Math.max(1, Math.floor(train.length / seenImages));
  const indices = Array.from({ length: Math.min(seenImages, train.length) }, (_, i) => i * every);
  const { features } = assembleBatch(train, indices);
  const steps = Array.from({ length: timesSeen }, (_, i) => i);
  const { input } = fitted.model;
  const versions = await applyInTraining(augmentation, { backend, input, features, seed: config.seed, steps });
  const { shape } = pictureOf(train, 0);
  return indices.map((index, i) => {
    const size = versions[0]!.length / indices.length;
    const seen = versions.map((all) => ({ features: all.slice(i * size, (i + 1) * size), shape }));
    return { original: pictureOf(train, index), seen };
  });
}

async function activationsOf(
  trainer: Trainer,
  { data: { test }, fitted, backend }: { data: RunData; fitted: FittedModel; backend: Backend },
  { names, mistakes }: TestResult,
  answers: ArrayLike<number>,
): Promise<Views['activations']> {
  const wrong = mistakes.slice(0, mostLookedAt / 2).map(({ index }) => index);
  // Of each class the first that is told right, as far as there is room.
  const right: number[] = [];
  const found = new Set<number>();
  for (let i = 0; i < test.length && right.length < mostLookedAt - wrong.length; i++) {
    const label = test.get(i).label as number;
    if (answers[i] !== label || found.has(label)) continue;
    found.add(label);
    right.push(i);
  }
  const indices = [...right, ...wrong];
  const classes = Int32Array.from(indices, (i) => answers[i]!);
  const { features } = assembleBatch(test, indices);
  const values = await trainer.values();
  try {
    const { maps, shape, layer } = await classActivations({ model: fitted.model, backend, values, features, classes });
    const [, height, width] = shape;
    return indices.map((index, i) => ({
      ...{ index, picture: pictureOf(test, index), layer },
      map: { values: maps.slice(i * height * width, (i + 1) * height * width), height, width },
      actual: names[test.get(index).label as number]!,
      answer: names[classes[i]!]!,
    }));
  } catch (error) {
    // A network that looks at all pixels at once, or a backend without the gradient of an operation.
    if (error instanceof BnError && (error.code === 'argument' || error.code === 'unsupported')) return [];
    throw error;
  }
}
