import { describe, expect, test } from 'vitest';
import { type BatchNormOptions, batchNorm, constantInitializer, input, type Layer, trace } from '../src/index.js';
import { evaluate } from './evaluate.js';

/** The states of a layer over [4, 2] batches after the three batches (0 … 7)·(k + 1) + k. */
async function afterThreeBatches(options: BatchNormOptions): Promise<Record<string, number[]>> {
  const model = { network: batchNorm(options) as Layer, input: { shape: [null, 2], dtype: 'float32' as const } };
  const { updates, states } = trace(model, input('features', [4, 2]), { training: true });
  let values: Record<string, number[]> = {};
  for (const path of states.keys())
    values[path] = path === 'runningVariance' ? [1, 1] : path === 'batches' ? [0] : [0, 0];
  for (let k = 0; k < 3; k++) {
    const features = Array.from({ length: 8 }, (_, i) => i * (k + 1) + k);
    values = await evaluate(Object.fromEntries(updates), { ...values, features });
  }
  return values;
}

const close = (values: number[]) => values.map((v) => expect.closeTo(v, 10));

describe('running statistics follow the convention', () => {
  test('torch: momentum 0.1 weighs the new value, the variance is unbiased (PyTorch 2.15)', async () => {
    const { runningMean, runningVariance } = await afterThreeBatches({ convention: 'torch' });
    expect(runningMean).toEqual(close([1.973, 2.534]));
    expect(runningVariance).toEqual(close([9.669, 9.669]));
  });

  test('torch, cumulative average (PyTorch 2.15 with momentum=None)', async () => {
    const { runningMean, runningVariance, batches } = await afterThreeBatches({ convention: 'torch', momentum: null });
    expect(runningMean).toEqual(close([7, 9]));
    expect(runningVariance).toEqual(close([280 / 9, 280 / 9]));
    expect(batches).toEqual([3]);
  });

  // Batch means are 3(k+1)+k and 4(k+1)+k; population variances 5(k+1)².
  const follow = (momentum: number, first: number, batch: (k: number) => number) =>
    [0, 1, 2].reduce((old, k) => momentum * old + (1 - momentum) * batch(k), first);

  test.each([
    ['d2l', 0.9],
    ['onnx', 0.9],
    ['keras', 0.99],
  ] as const)(
    '%s: momentum %f weighs the old value, the variance is the population’s',
    async (convention, momentum) => {
      const { runningMean, runningVariance } = await afterThreeBatches({ convention });
      expect(runningMean).toEqual(
        close([follow(momentum, 0, (k) => 3 * (k + 1) + k), follow(momentum, 0, (k) => 4 * (k + 1) + k)]),
      );
      expect(runningVariance![0]).toBeCloseTo(
        follow(momentum, 1, (k) => 5 * (k + 1) ** 2),
        10,
      );
    },
  );

  test('keras has epsilon 0.001, the others 0.00001', async () => {
    const normalized = async (convention: 'keras' | 'd2l') => {
      const model = { network: batchNorm({ convention }), input: { shape: [null, 1], dtype: 'float32' as const } };
      const { output } = trace(model, input('features', [2, 1]), { training: true });
      return (await evaluate({ output }, { gamma: [1], beta: [0], features: [-1, 1] })).output[1];
    };
    expect(await normalized('keras')).toBeCloseTo(1 / Math.sqrt(1.001), 12);
    expect(await normalized('d2l')).toBeCloseTo(1 / Math.sqrt(1.00001), 12);
  });
});

describe('options', () => {
  const build = (options: BatchNormOptions, shape: (number | null)[], training: boolean) =>
    trace(
      { network: batchNorm(options), input: { shape: [null, ...shape.slice(1)], dtype: 'float32' } },
      input('features', shape),
      { training },
    );

  test('frozen normalizes with the running statistics in training and leaves them', async () => {
    const { output, updates } = build({ frozen: true, epsilon: 0 }, [2, 1], true);
    expect(updates.size).toBe(0);
    const { y } = await evaluate(
      { y: output },
      { gamma: [3], beta: [1], runningMean: [1], runningVariance: [4], features: [1, 3] },
    );
    expect(y).toEqual([1, 4]);
  });

  test('without running statistics prediction uses its batch', async () => {
    const { output, states } = build({ trackRunningStatistics: false, epsilon: 0 }, [2, 1], false);
    expect(states.size).toBe(0);
    expect((await evaluate({ y: output }, { gamma: [1], beta: [0], features: [1, 3] })).y).toEqual([-1, 1]);
  });

  test('scale and center off leave gamma and beta out', () => {
    expect(build({ scale: false, center: false }, [2, 3], true).parameters.size).toBe(0);
    expect([...build({ center: false }, [2, 3], true).parameters.keys()]).toEqual(['gamma']);
  });

  test('initializers set the first values', () => {
    const { parameters } = build({ gammaInitializer: constantInitializer(0.5) }, [2, 3], true);
    expect(parameters.get('gamma')!.initializer([3], undefined as never)).toEqual(Float32Array.of(0.5, 0.5, 0.5));
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      'one value per channel in training',
      () => build({}, [1, 3], true),
      /one value per channel in training.*use a batch of two or more/,
    ],
    ['no channel axis', () => build({}, [4], false), /at least two axes/],
    ['an axis that is not there', () => build({ axis: 2 }, [4, 3], true), /not distinct axes/],
    [
      'an unknown convention',
      () => batchNorm({ convention: 'caffe' as never }),
      /unknown convention 'caffe'; use one of d2l, onnx, torch, keras/,
    ],
    ['a momentum above 1', () => batchNorm({ momentum: 1.5 }), /momentum must be from 0 to 1/],
    ['a negative epsilon', () => batchNorm({ epsilon: -1 }), /epsilon must be 0 or more/],
  ])('%s is an error', (_, build, message) => expect(build).toThrow(message));

  test('one value per channel is fine where images have several positions', () => {
    expect(build({}, [1, 3, 2, 2], true).output.shape).toEqual([1, 3, 2, 2]);
  });
});
