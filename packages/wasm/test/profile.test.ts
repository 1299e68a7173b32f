// Backends created with `profile`: the same results, and where the time goes.

import {
  batchNorm,
  classification,
  conv2d,
  createGraph,
  createTrainer,
  defineModel,
  dense,
  type Executable,
  flatten,
  input,
  maxPool2d,
  ops,
  type Report,
  relu,
  sequential,
  sgd,
  sizeOf,
  type Tensor,
} from '@bn/core';
import { createBackend, type WasmBackendOptions } from '@bn/wasm';
import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => vi.unstubAllGlobals());

const layers = ['conv1', 'bn1', 'relu1', 'pool1', 'conv2', 'flatten', 'dense1'];
const model = defineModel(
  sequential({
    conv1: conv2d(6, { kernelSize: 5, padding: 2 }),
    ...{ bn1: batchNorm(), relu1: relu(), pool1: maxPool2d(2), conv2: conv2d(8, { kernelSize: 3, stride: 2 }) },
    ...{ flatten: flatten(), dense1: dense(10) },
  }),
  { input: { shape: [null, 1, 28, 28], dtype: 'float32' } },
);
const batch = {
  features: Float32Array.from({ length: 30 * 784 }, (_, i) => ((i * 7919) % 251) / 251),
  labels: Int32Array.from({ length: 30 }, (_, i) => (i * 7) % 10),
};

/** Weights after five steps, and the report on the step's executable. */
async function train(options: WasmBackendOptions) {
  const backend = await createBackend(options);
  const executables: Executable[] = [];
  const compile = backend.compile.bind(backend);
  backend.compile = async (graph) => {
    const executable = await compile(graph);
    executables.push(executable);
    return executable;
  };
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd() });
  for (let step = 0; step < 5; step++) await trainer.step(batch, { learningRate: 0.1 });
  const weights = await trainer.values();
  const report = await executables[0].report?.();
  await trainer.dispose();
  await backend.dispose();
  return { weights, report };
}

const secondsOf = ({ phases }: Report) => phases.reduce((sum, { seconds }) => sum + seconds, 0);

test.each([
  { threads: 1, page: false },
  { threads: 2, page: false },
  { threads: 1, page: true },
])(
  'a profiled training has the same weights; its phases name every layer ($threads threads, page: $page)',
  async (how) => {
    const plain = await train({ threads: how.threads });
    // The thread of a page does not compute itself.
    if (how.page) vi.stubGlobal('document', {});
    const { weights, report } = await train({ threads: how.threads, profile: { skippedRuns: 2 } });
    expect(plain.report).toBeUndefined();
    expect(weights).toEqual(plain.weights);

    const { runs, phases, seconds } = report!;
    expect(runs).toBe(3);
    expect(secondsOf(report!)).toBeGreaterThan(0);
    expect(secondsOf(report!)).toBeLessThanOrEqual(seconds);
    for (const direction of ['forward', 'backward']) {
      const named = phases.flatMap(({ origins }) => origins.filter((origin) => origin.direction === direction));
      expect(new Set(named.map(({ layer }) => layer))).toEqual(new Set([...layers, '']));
    }
    const updated = phases.flatMap(({ origins }) => origins.filter(({ direction }) => direction === 'update'));
    expect(new Set(updated.map(({ layer }) => layer))).toEqual(new Set(['conv1', 'bn1', 'conv2', 'dense1']));
    expect(report!.peak).toBeGreaterThan(1e8);
    expect(report!.memory!['scratch, shared by threads']).toBeGreaterThan(0);
  },
);

test('operations are those of the products, without padding lanes and what lies outside the image', async () => {
  const backend = await createBackend({ threads: 1, profile: { skippedRuns: 0 }, passes: { pad: false } });
  const [x, w] = [input('x', [6, 2, 9, 9]), input('w', [3, 2, 3, 3])];
  const y = ops.conv2d(x, w, { padding: [1, 1, 1, 1] });
  const executable = await backend.compile(createGraph({ y }));
  const value = ({ shape }: Tensor) => backend.upload(new Float32Array(sizeOf(shape)), { shape, dtype: 'float32' });
  const inputs = new Map([x, w].map((tensor) => [tensor.attributes.name, value(tensor)]));
  await executable.run(inputs);
  const { runs, phases } = await executable.report!();
  await executable.run(inputs);
  expect([runs, (await executable.report!()).runs]).toEqual([1, 1]);
  // 25 = 7·3 + 2·2 taps in a row of nine windows fall on the image.
  expect(phases.map(({ operations }) => operations).filter((n) => n !== undefined)).toEqual([2 * 6 * 3 * 2 * 25 * 25]);
  await backend.dispose();
});
