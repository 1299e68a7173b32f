// A program: trains a small network with batch normalization for a few steps on a backend and on the reference backend,
// and prints how far they are apart. Arguments: the backend's file, and its options as JSON.

import { pathToFileURL } from 'node:url';
import type { BackendModule } from '@bn/command-line';
import {
  type Backend,
  batchNorm,
  classification,
  conv2d,
  createGenerator,
  createTrainer,
  defineModel,
  dense,
  flatten,
  relu,
  sequential,
  sgd,
} from '@bn/core';
import { createBackend as createReference } from '@bn/reference';

export interface Trial {
  /** The largest difference between any two values after the training, against 1 or the value's size. */
  readonly difference: number;
}

const [file, options] = process.argv.slice(2);
try {
  const { createBackend } = (await import(pathToFileURL(file!).href)) as BackendModule;
  const difference = largestDifference(
    await trained(await createBackend(JSON.parse(options!))),
    await trained(await createReference()),
  );
  process.stdout.write(`\n${JSON.stringify({ difference } satisfies Trial)}\n`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

async function trained(backend: Backend): Promise<ReadonlyMap<string, { readonly data: ArrayLike<number> }>> {
  const network = sequential({
    conv: conv2d(4, { kernelSize: 3 }),
    bn: batchNorm(),
    act: relu(),
    flatten: flatten(),
    out: dense(3),
  });
  const model = defineModel(network, { input: { shape: [null, 1, 8, 8], dtype: 'float32' } });
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd(), seed: 1 });
  const random = createGenerator(1);
  const features = Float32Array.from({ length: 16 * 64 }, () => random.uniform());
  const labels = Int32Array.from({ length: 16 }, (_, i) => i % 3);
  for (let step = 0; step < 3; step++) await trainer.step({ features, labels }, { learningRate: 0.1 });
  const values = await trainer.values();
  await backend.dispose();
  return values;
}

function largestDifference(...[a, b]: readonly Awaited<ReturnType<typeof trained>>[]): number {
  let largest = 0;
  for (const [name, { data }] of b!) {
    const other = a!.get(name)!.data;
    for (let i = 0; i < data.length; i++) {
      const difference = Math.abs(other[i]! - data[i]!) / Math.max(1, Math.abs(data[i]!));
      // NaN is not less than anything.
      if (!(difference <= largest)) largest = difference;
    }
  }
  return largest;
}
