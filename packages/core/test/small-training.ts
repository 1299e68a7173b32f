// A training small enough for tests: points of three classes, a network with batch normalization and dropout, Adam.

import { createBackend } from '@bn/reference';
import {
  adam,
  type Backend,
  batchNorm,
  classification,
  createTrainer,
  type Dataset,
  defineModel,
  dense,
  dropout,
  type Layer,
  type Model,
  relu,
  sequential,
  type Trainer,
  type TrainerEvent,
  type TrainerOptions,
} from '../src/index.js';

/** Points of three classes in the plane; no fast path, as a user's own data set. */
export function points(length: number): Dataset {
  return {
    length,
    features: { shape: [2], dtype: 'float32' },
    classNames: ['a', 'b', 'c'],
    get: (i) => ({
      features: [Math.cos(2.1 * (i % 3)) + 0.3 * Math.sin(i), Math.sin(2.1 * (i % 3)) + 0.3 * Math.cos(3 * i)],
      label: i % 3,
    }),
  };
}

const network = () => sequential({ hidden: dense(8), bn: batchNorm(), act: relu(), drop: dropout(0.2), out: dense(3) });

export async function setup({
  network: own = network(),
  inputs = [2],
  ...options
}: Partial<TrainerOptions> & { network?: Layer; inputs?: number[] } = {}): Promise<{
  backend: Backend;
  trainer: Trainer;
  model: Model;
}> {
  const backend = await createBackend({});
  const model = defineModel(own, {
    input: { shape: [null, ...inputs], dtype: 'float32' },
  });
  const trainer = await createTrainer({
    model,
    backend,
    objective: classification(),
    optimizer: adam(),
    seed: 3,
    ...options,
  });
  return { backend, trainer, model };
}

export const fitting = { train: points(50), test: points(20), epochs: 3, batchSize: 16, learningRate: 0.05 };

export async function collect(events: AsyncIterable<TrainerEvent>): Promise<TrainerEvent[]> {
  const all: TrainerEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** Events without what the clock says. */
export const timeless = (events: TrainerEvent[]) =>
  JSON.parse(JSON.stringify(events, (key, value) => (/seconds|PerSecond|waited/i.test(key) ? undefined : value)));
