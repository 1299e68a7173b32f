// Trains by the recipe in a worker, by the page's clock.

import { createTrainer, type Dataset } from '@bn/core';
import { fetchIdx, subset } from '@bn/datasets/browser';
import { fashionMnistClassNames as classNames } from '@bn/fashion-mnist/browser';
import testImages from '@bn/fashion-mnist/data/t10k-images-idx3-ubyte.gz?url';
import testLabels from '@bn/fashion-mnist/data/t10k-labels-idx1-ubyte.gz?url';
import trainImages from '@bn/fashion-mnist/data/train-images-idx3-ubyte.gz?url';
import trainLabels from '@bn/fashion-mnist/data/train-labels-idx1-ubyte.gz?url';
import { createBackend } from '@bn/wasm';
import type { Evaluated, ToPage, ToWorker } from './messages.js';
import { fitting, learning, model, recipe } from './recipe.js';

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  run(data).catch((error: Error) => tell({ type: 'failed', message: error.message }));
});

async function run({ navigation, seed, threads, limit }: ToWorker): Promise<void> {
  const clock = () => Math.round(performance.timeOrigin + performance.now() - navigation) / 1000;
  const loading = loadData(limit);
  // Told below; compiling comes first.
  loading.catch(() => {});
  const backend = await createBackend({ threads });
  const { description, reason } = backend.device;
  const [, simd, count] = /(\w* ?SIMD), (\d+) threads?/.exec(description)!;
  tell({ type: 'device', threads: Number(count), reason });
  const trainer = await createTrainer({ model, backend, ...learning, seed });
  await trainer.compile({ length: limit ?? 60_000, features: { shape: [1, 28, 28], dtype: 'uint8' } }, fitting);
  const { train, test } = await loading;
  const secondsToData = clock();
  tell({ type: 'status', text: 'Training …' });

  let secondsToFirstStep = 0;
  let steps = 0;
  const speeds: number[] = [];
  const evaluations: Evaluated[] = [];
  for await (const event of trainer.fit({ train, test, ...fitting })) {
    if (event.type === 'step') {
      secondsToFirstStep ||= clock();
      steps++;
    } else if (event.type === 'epoch') speeds.push(event.examplesPerSecond);
    else if (event.type === 'evaluation') {
      const evaluated = { steps, seconds: clock(), accuracy: event.metrics.accuracy! };
      evaluations.push(evaluated);
      tell({ type: 'evaluated', evaluated, examplesPerSecond: speeds.at(-1)! });
    }
  }
  await backend.dispose();
  const secondsTo = (accuracy: number) => evaluations.find((one) => one.accuracy >= accuracy)?.seconds ?? null;
  tell({
    type: 'finished',
    result: {
      date: new Date().toISOString(),
      ...{ engine: navigator.userAgent, cores: navigator.hardwareConcurrency },
      ...{ threads: Number(count), simd: simd!.trim(), crossOriginIsolated, ...(reason !== undefined && { reason }) },
      ...{ recipe, seed, trainingImages: train.length, downloadedBytes: downloadedBytes() },
      examplesPerSecond: Math.round(median(speeds)),
      ...{ secondsTo85: secondsTo(0.85), secondsTo90: secondsTo(0.9), secondsToData, secondsToFirstStep, evaluations },
    },
  });
}

async function loadData(limit: number | undefined): Promise<{ train: Dataset; test: Dataset }> {
  const address = (file: string) => new URL(file, import.meta.url);
  const [train, test] = await Promise.all([
    fetchIdx({ images: address(trainImages), labels: address(trainLabels) }, { classNames }),
    fetchIdx({ images: address(testImages), labels: address(testLabels) }, { classNames }),
  ]);
  if (limit === undefined) return { train, test };
  return { train: subset(train, limit), test: subset(test, Math.min(limit, test.length)) };
}

function downloadedBytes(): number {
  const entries = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
  return entries.filter(({ name }) => name.includes('ubyte')).reduce((sum, entry) => sum + entry.transferSize, 0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function tell(message: ToPage): void {
  postMessage(message);
}
