// A participant of ours, in a process of its own: trains a network on a backend when it is told to.

import { createInterface } from 'node:readline';
import { loadBackend } from '@bn/command-line';
import {
  bindInputs,
  classification,
  createGraph,
  createTrainer,
  defineModel,
  input,
  ops,
  sgd,
  type Trainer,
  trace,
} from '@bn/core';
import { subset } from '@bn/datasets';
import { build } from '../networks.js';
import { loadImages } from './data.js';
import type { Introduction, Limits, Predicted, Request, Settings, Trained } from './exchange.js';
import { limitsOf } from './limits.js';

const settings = JSON.parse(process.argv.at(-1)!) as Settings;
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
await epochOf(subset(train, Math.min(batchSize, train.length)));
say({
  name: `@bn/${backend.name}${backend.engine ? ` (${backend.engine})` : ''}`,
  version: '0.1.0',
  runtime: `Node ${process.versions.node}`,
} satisfies Introduction);

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  if (request.do === 'end') break;
  if (request.do === 'limits') {
    // Before anything else takes memory for it.
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    say({ peakBytes, ...(await limitsOf(name, model, { batchSize, threads })) });
    continue;
  }
  const busy = process.cpuUsage();
  const start = performance.now();
  if (request.do === 'train') {
    const loss = await epochOf(train);
    const seconds = (performance.now() - start) / 1000;
    say({ seconds, examples: train.length, loss, cpuSeconds: cpuSeconds(busy) } satisfies Trained);
  } else {
    const seconds = await predict(trainer, request);
    say({ seconds, cpuSeconds: cpuSeconds(busy) } satisfies Predicted);
  }
}
await trainer.dispose();
await backend.dispose();

/** Trains for one epoch more; gives its mean loss. */
async function epochOf(data: typeof train): Promise<number> {
  let loss = Number.NaN;
  for await (const event of trainer.fit({ train: data, epochs, batchSize, learningRate })) {
    if (event.type === 'epoch') loss = event.loss;
  }
  epochs++;
  return loss;
}

async function predict(trainer: Trainer, { batch, seconds }: Extract<Request, { do: 'predict' }>) {
  const spec = { shape: [batch, ...shape], dtype: 'uint8' } as const;
  const x = input('features', spec.shape, spec.dtype);
  const graph = createGraph({ classes: ops.argmax(trace(model, x).output, 1) });
  const executable = await backend.compile(bindInputs(graph, await trainer.values()));
  const features = new Uint8Array(batch * shape[0] * shape[1] * shape[2]);
  test.fill!(
    Array.from({ length: batch }, (_, i) => i),
    features,
    new Int32Array(batch),
  );
  const once = async () => {
    const start = performance.now();
    const value = backend.upload(features, spec);
    const classes = (await executable.run(new Map([['features', value]]))).get('classes')!;
    await backend.download(classes);
    backend.release(classes);
    backend.release(value);
    return (performance.now() - start) / 1000;
  };
  await repeat(once, seconds / 3);
  const times = await repeat(once, seconds);
  await executable.dispose();
  return times;
}

async function repeat(action: () => Promise<number>, seconds: number): Promise<number[]> {
  const end = performance.now() + 1000 * seconds;
  const times = [await action()];
  while (performance.now() < end) times.push(await action());
  return times;
}

function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

function say(message: Introduction | Trained | Predicted | Limits): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
