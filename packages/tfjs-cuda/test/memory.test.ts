// Tensors are given back: the same number exists after the first step and after the last.

import { describeWith } from '@bn/conformance';
import {
  batchNorm,
  classification,
  createArray,
  createGraph,
  defineModel,
  input,
  ops,
  sgd,
  sizeOf,
  trainingStepGraph,
} from '@bn/core';
import { lenet } from '@bn/models';
import { expect, test } from 'vitest';
import type { Engine } from '../src/engine.js';
import { engineChoices } from '../src/engine-choices.js';
import { diagnose } from '../src/index.js';
import { TensorflowBackend } from '../src/tensorflow-backend.js';

const model = defineModel(lenet({ normalization: () => batchNorm() }), {
  input: { shape: [null, 1, 28, 28], dtype: 'float32' },
});
const features = { shape: [4, 1, 28, 28], dtype: 'uint8' } as const;
const labels = { shape: [4], dtype: 'int32' } as const;
const step = trainingStepGraph(model, classification(), sgd({ momentum: 0.9 }), { features, labels });

for (const { engine: name, device, available, detail } of (await diagnose()).slice(1)) {
  const requirement = { name: `tfjs ${name}`, available, detail };
  describeWith(`engine ${name}`, requirement, () => testMemory(() => createEngine(name, device)));
}

async function createEngine(name: string, device: string): Promise<Engine> {
  const choice = engineChoices.find((candidate) => candidate.engine === name && candidate.device === device)!;
  return (await choice.create(undefined)) as Engine;
}

function testMemory(create: () => Promise<Engine>): void {
  test('of training steps', async () => {
    const engine = await create();
    const backend = new TensorflowBackend(engine);
    const executable = await backend.compile(step);
    const held = new Map(
      [...step.inputs].map(([path, { shape, dtype }]) => {
        const data = createArray(dtype, sizeOf(shape)).map((_, i) => i % 2);
        return [path, backend.upload(data, { shape, dtype })];
      }),
    );
    const counts: number[] = [];
    for (let i = 0; i < 30; i++) {
      for (const [path, value] of await executable.run(held)) {
        const old = held.get(path);
        if (old) held.set(path, value);
        backend.release(old ?? value);
      }
      counts.push(engine.tensorCount);
    }
    expect(new Set(counts).size).toBe(1);
    for (const value of held.values()) backend.release(value);
    await executable.dispose();
    expect(backend.liveValues).toBe(0);
    expect(engine.tensorCount).toBe(0);
    await backend.dispose();
  });

  test('of many batch sizes', async () => {
    const engine = await create();
    const backend = new TensorflowBackend(engine);
    const executable = await backend.compile(createGraph({ y: ops.add(input('x', [null, 3]), ops.fill([3], 2)) }));
    const counts: number[] = [];
    for (let batch = 1; batch < 40; batch++) {
      const x = backend.upload(new Float32Array(batch * 3), { shape: [batch, 3], dtype: 'float32' });
      const y = (await executable.run(new Map([['x', x]]))).get('y')!;
      expect(y.spec.shape).toEqual([batch, 3]);
      backend.release(x);
      backend.release(y);
      counts.push(engine.tensorCount);
    }
    expect(Math.max(...counts)).toBeLessThan(10);
    await executable.dispose();
    await backend.dispose();
    expect(engine.tensorCount).toBe(0);
  });

  test('of a run that fails', async () => {
    const engine = await create();
    const backend = new TensorflowBackend(engine);
    const x = input('x', [2]);
    const y = ops.add(ops.gather(ops.exp(x), input('i', [1], 'int32')), ops.neg(x));
    const executable = await backend.compile(createGraph({ y }));
    const inputs = new Map([
      ['x', backend.upload(Float32Array.of(1, 2), { shape: [2], dtype: 'float32' })],
      ['i', backend.upload(Int32Array.of(7), { shape: [1], dtype: 'int32' })],
    ]);
    const before = engine.tensorCount;
    await expect(executable.run(inputs)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining('index 7 is not in 0'),
    });
    expect(engine.tensorCount).toBe(before);
    await backend.dispose();
    expect(engine.tensorCount).toBe(0);
  });
}
