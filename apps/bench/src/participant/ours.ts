// A backend of ours.

import { loadBackend } from '@bn/command-line';
import { bindInputs, classification, createGraph, createTrainer, defineModel, input, ops, sgd, trace } from '@bn/core';
import { subset } from '@bn/datasets';
import { build } from '../networks.js';
import type { Contestant } from './contestant.js';
import { batchOf, loadImages } from './data.js';
import type { Settings } from './exchange.js';
import { limitsOf } from './limits.js';

export async function create(settings: Settings): Promise<Contestant> {
  const { shape, threads, batchSize, learningRate, seed } = settings;
  const [name, engine] = settings.variant.split(':') as [string, string | undefined];

  const model = defineModel(build(settings), { input: { shape: [null, ...shape], dtype: 'float32' } });
  // All is made ready while threads unpack the images.
  const loading = loadImages(shape, settings.examples);
  const backend = await loadBackend(name, process.cwd(), { device: 'cpu', threads, ...(engine && { engine }) });
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd(), seed });
  await trainer.compile({ length: settings.examples, features: { shape, dtype: 'uint8' } }, { batchSize });
  const { train, test } = await loading;

  let epochs = 1;
  /** Trains for one epoch more; gives its mean loss. */
  async function epochOf(data: typeof train): Promise<number> {
    let loss = Number.NaN;
    for await (const event of trainer.fit({ train: data, epochs, batchSize, learningRate })) {
      if (event.type === 'epoch') loss = event.loss;
    }
    epochs++;
    return loss;
  }
  await epochOf(subset(train, Math.min(batchSize, train.length)));

  const first = batchOf(train, Math.min(batchSize, train.length));
  return {
    introduction: {
      name: `@bn/${backend.name}${backend.engine ? ` (${backend.engine})` : ''}`,
      version: '0.1.0',
      runtime: `Node ${process.versions.node}`,
    },
    examples: train.length,
    train: () => epochOf(train),
    step: () => trainer.step(first, { learningRate }),
    async predictions(batch) {
      const spec = { shape: [batch, ...shape], dtype: 'uint8' } as const;
      const x = input('features', spec.shape, spec.dtype);
      const graph = createGraph({ classes: ops.argmax(trace(model, x).output, 1) });
      const executable = await backend.compile(bindInputs(graph, await trainer.values()));
      const { features } = batchOf(test, batch);
      return {
        async once() {
          const value = backend.upload(features, spec);
          const classes = (await executable.run(new Map([['features', value]]))).get('classes')!;
          await backend.download(classes);
          backend.release(classes);
          backend.release(value);
        },
        end: () => executable.dispose(),
      };
    },
    limits: () => limitsOf(name, model, { batchSize, threads }),
    async dispose() {
      await trainer.dispose();
      await backend.dispose();
    },
  };
}
