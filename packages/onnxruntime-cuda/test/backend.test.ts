// What this backend does beyond what every backend must do.

import {
  adam,
  avgPool2d,
  batchNorm,
  classification,
  conv2d,
  createGenerator,
  createGraph,
  createTrainer,
  type Dataset,
  defineModel,
  dense,
  flatten,
  input,
  ops,
  predictionGraph,
  sequential,
  sgd,
  sigmoid,
  sizeOf,
  type TypedArray,
  trainingStepGraph,
  withOrigin,
} from '@bn/core';
import { afterAll, describe, expect, test } from 'vitest';
import { createBackend, diagnose } from '../src/index.js';

const backend = await createBackend({ device: 'cpu', threads: 2 });
afterAll(() => backend.dispose());
const diagnoses = await diagnose();

const model = defineModel(
  sequential({
    conv1: conv2d(6, { kernelSize: 5 }),
    bn1: batchNorm(),
    act1: sigmoid(),
    pool1: avgPool2d(2),
    conv2: conv2d(8, { kernelSize: 3, padding: 1, stride: 2 }),
    flatten: flatten(),
    dense: dense(10),
  }),
  { input: { shape: [null, 1, 28, 28], dtype: 'float32' } },
);

test('the description says what was chosen', async () => {
  expect(backend.device).toEqual({ kind: 'cpu', description: 'cpu (2 threads)' });
  const cuda = diagnoses.find(({ device }) => device === 'cuda')!;
  const chosen = await createBackend();
  expect(chosen.device.kind).toBe(cuda.available ? 'cuda' : 'cpu');
  if (!cuda.available) expect(chosen.device.reason).toContain(`no CUDA: ${cuda.detail.split(';')[0]}`);
  await chosen.dispose();
});

for (const { device, detail } of diagnoses.filter(({ available }) => !available)) {
  test(`${device}, which is not to be had, is an error`, async () => {
    await expect(createBackend({ device })).rejects.toMatchObject({
      code: 'backend',
      message: expect.stringContaining(detail),
    });
  });
}

for (const { device } of diagnoses.filter(({ device, available }) => available && device !== 'cpu')) {
  test(`prediction is computed on ${device} as a whole`, async () => {
    const strict = await createBackend({ device, disableCpuFallback: true });
    await (await strict.compile(predictionGraph(model, model.input))).dispose();
    await strict.dispose();
  });
}

test('a number of threads that is none is an error', async () => {
  await expect(createBackend({ threads: 0 })).rejects.toMatchObject({ code: 'argument' });
});

test('errors of ONNX Runtime name the layer', async () => {
  // Four terabytes.
  const y = withOrigin({ layer: 'huge' }, () => ops.add(input('x', [2 ** 20, 1]), input('z', [2 ** 20])));
  const executable = await backend.compile(createGraph({ y }));
  const x = backend.upload(new Float32Array(2 ** 20), { shape: [2 ** 20, 1], dtype: 'float32' });
  const z = backend.upload(new Float32Array(2 ** 20), { shape: [2 ** 20], dtype: 'float32' });
  const run = executable.run(
    new Map([
      ['x', x],
      ['z', z],
    ]),
  );
  await expect(run).rejects.toMatchObject({
    code: 'backend',
    message: expect.stringMatching(/huge \(add, forward\).*allocate/),
  });
  for (const value of [x, z]) backend.release(value);
});

describe('a training step', () => {
  const graph = trainingStepGraph(model, classification(), sgd(), {
    features: { shape: [64, 1, 28, 28], dtype: 'float32' },
    labels: { shape: [64], dtype: 'int32' },
  });

  test('gives the same bits every time', async () => {
    const random = createGenerator(1);
    const executable = await backend.compile(graph);
    const values = new Map(
      [...graph.inputs].map(([name, { shape, dtype }]) => {
        const size = sizeOf(shape);
        const data = Float32Array.from({ length: size }, () => random.uniform());
        return [
          name,
          backend.upload(dtype === 'int32' ? Int32Array.from(data, (v) => v * 10) : data, { shape, dtype }),
        ] as const;
      }),
    );
    let first: Map<string, TypedArray> | undefined;
    for (let repeat = 0; repeat < 20; repeat++) {
      const results = new Map<string, TypedArray>();
      for (const [name, value] of await executable.run(values)) {
        results.set(name, await backend.download(value));
        backend.release(value);
      }
      first ??= results;
      expect(results).toEqual(first);
    }
    for (const value of values.values()) backend.release(value);
    await executable.dispose();
    expect(backend.liveValues).toBe(0);
  });

  test('ends in the same bits when several are one run', async () => {
    const train: Dataset = {
      length: 3 * 16 + 5,
      features: { shape: [1, 28, 28], dtype: 'uint8' },
      get: (i) => ({
        features: Uint8Array.from({ length: 784 }, (_, j) => (i * 37 + j * j * 11) % 256),
        label: i % 10,
      }),
    };
    const trained = async (stepsPerRun: number) => {
      const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: adam() });
      const losses: number[] = [];
      for await (const event of trainer.fit({ train, epochs: 2, batchSize: 16, learningRate: 0.01, stepsPerRun })) {
        if (event.type === 'step') losses.push(event.loss);
      }
      const { tensors } = await trainer.checkpoint();
      await trainer.dispose();
      return { losses, tensors };
    };
    expect(await trained(3)).toEqual(await trained(1));
  });
});
