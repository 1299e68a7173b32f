import { describe, expect, test, vi } from 'vitest';
import {
  adam,
  batchNorm,
  conv2d,
  type Dataset,
  decodeCheckpoint,
  dense,
  encodeCheckpoint,
  flatten,
  type Layer,
  ops,
  regression,
  relu,
  sequential,
  sgd,
  type TrainerEvent,
  zeros,
} from '../src/index.js';

import { collect, fitting, points, setup, timeless } from './small-training.js';

describe('observe', () => {
  test('tells by layer what the step will compute, and stays where it is', async () => {
    const { backend, trainer } = await setup();
    const batch = { features: Float32Array.of(0, 1, 1, 0, 1, 1, 0.5, 0), labels: Int32Array.of(0, 1, 2, 0) };
    await trainer.step(batch, { learningRate: 0.1 });
    const before = await trainer.checkpoint();
    const live = backend.liveValues;
    const observations = await trainer.observe(batch, { learningRate: 0.1 });
    expect(backend.liveValues).toBe(live);
    expect(await trainer.checkpoint()).toEqual(before);

    const named = (kind: string) => observations.filter((found) => found.kind === kind).map(({ name }) => name);
    expect(named('activation')).toEqual(['hidden', 'bn', 'act', 'drop', 'out']);
    expect(named('gradient')).toEqual(named('parameter'));
    expect(named('state')).toEqual(['bn.runningMean', 'bn.runningVariance']);
    expect(observations.find(({ name }) => name === 'bn.gamma')).toMatchObject({ layer: 'bn', shape: [8] });

    const { loss } = await trainer.step(batch, { learningRate: 0.1 });
    const { tensors } = await trainer.checkpoint();
    for (const { kind, name, data } of observations) {
      if (kind === 'loss') expect(data[0]).toBe(loss);
      if (['state', 'parameter', 'slot'].includes(kind)) expect(data).toEqual(tensors.get(name)!.data);
    }
    expect(named('slot')).toHaveLength(tensors.size - named('state').length - named('parameter').length);
  });
});

describe('fit', () => {
  test('tells steps, epoch, evaluation and checkpoint in that order; the last, smaller batch is trained on', async () => {
    const { trainer } = await setup();
    const events = await collect(trainer.fit({ ...fitting, epochs: 1 }));
    expect(events.map((event) => event.type)).toEqual([
      'step',
      'step',
      'step',
      'step',
      'epoch',
      'evaluation',
      'checkpoint',
    ]);
    expect(events.flatMap((event) => (event.type === 'step' ? [event.examples] : []))).toEqual([16, 16, 16, 2]);
    const [epoch] = events.filter((event) => event.type === 'epoch');
    expect(epoch).toMatchObject({ epoch: 1, epochs: 1, examples: 50, learningRate: 0.05 });
  });

  describe('a last batch of one', () => {
    const sizes = async (network: Layer, inputs: number[], batchSize: number) => {
      const { trainer } = await setup({ network, inputs });
      const width = inputs.reduce((a, b) => a * b);
      const train: Dataset = {
        length: 9,
        features: { shape: inputs, dtype: 'float32' },
        get: (i) => ({ features: Float32Array.from({ length: width }, (_, j) => Math.sin(i + j)), label: i % 3 }),
      };
      const events = await collect(trainer.fit({ train, epochs: 1, batchSize, learningRate: 0.1 }));
      return {
        steps: events.flatMap((event) => (event.type === 'step' ? [event.examples] : [])),
        warnings: events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])),
      };
    };
    const normalized = sequential({ bn: batchNorm(), flat: flatten(), out: dense(3) });

    test('is trained on where the network can: without batch normalization, or with several values per channel', async () => {
      expect(await sizes(dense(3), [2], 4)).toEqual({ steps: [4, 4, 1], warnings: [] });
      expect(await sizes(normalized, [2, 3, 3], 4)).toEqual({ steps: [4, 4, 1], warnings: [] });
      expect(await sizes(normalized, [2, 3, 3], 1)).toEqual({ steps: new Array(9).fill(1), warnings: [] });
    });

    test('is left out where it cannot, and that is said; batches of one are an error', async () => {
      const { steps, warnings } = await sizes(normalized, [2], 4);
      expect(steps).toEqual([4, 4]);
      expect(warnings).toEqual([expect.stringMatching(/is one example, and left out: bn \(batchNorm\): one value/)]);
      await expect(sizes(normalized, [2], 1)).rejects.toThrow(/one value per channel .* use a batch of two or more/);
    });
  });

  test('reports the loss as the mean over examples and the accuracy over the epoch', async () => {
    const { trainer } = await setup();
    const events = await collect(trainer.fit({ ...fitting, epochs: 1 }));
    const steps = events.filter((event) => event.type === 'step');
    const epoch = events.find((event) => event.type === 'epoch')!;
    const mean = (pick: (step: (typeof steps)[number]) => number) =>
      steps.reduce((sum, step) => sum + pick(step) * step.examples, 0) / 50;
    expect(epoch.loss).toBeCloseTo(
      mean((step) => step.loss),
      12,
    );
    expect(epoch.metrics.accuracy).toBeCloseTo(
      mean((step) => step.metrics.accuracy!),
      12,
    );
  });

  test('learns', async () => {
    const { trainer } = await setup();
    const events = await collect(trainer.fit({ ...fitting, epochs: 12 }));
    const accuracies = events.flatMap((event) => (event.type === 'evaluation' ? [event.metrics.accuracy!] : []));
    expect(accuracies.at(-1)).toBeGreaterThan(0.9);
  });

  test('gives bit-identical results for the same seed, others for another', async () => {
    const run = async (seed: number) => timeless(await collect((await setup({ seed })).trainer.fit(fitting)));
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  test('sees every example once an epoch, in a new order each time', async () => {
    const seen: number[] = [];
    const train: Dataset = {
      ...points(50),
      get: (i) => {
        seen.push(i);
        return points(50).get(i);
      },
    };
    const { trainer } = await setup();
    await collect(trainer.fit({ ...fitting, train, test: undefined, epochs: 2 }));
    const [first, second] = [seen.slice(0, 50), seen.slice(50)];
    const sorted = (list: number[]) => [...list].sort((a, b) => a - b);
    expect(sorted(first)).toEqual(sorted(second));
    expect(sorted(first)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(first).not.toEqual(second);
  });

  test('leaves out a last batch of one with a warning', async () => {
    const { trainer } = await setup();
    const events = await collect(trainer.fit({ ...fitting, train: points(33), epochs: 1 }));
    expect(events[0]).toMatchObject({ type: 'warning' });
    expect(events.filter((event) => event.type === 'step')).toHaveLength(2);
  });

  test('finds its step compiled if that was asked for before, from what is known of the data', async () => {
    const { backend, trainer } = await setup();
    const compile = vi.spyOn(backend, 'compile');
    const { length, features } = fitting.train;
    await trainer.compile({ length, features }, { batchSize: 16 });
    expect(compile).toHaveBeenCalledOnce();
    for await (const { type } of trainer.fit(fitting)) {
      expect(type).toBe('step');
      break;
    }
    expect(compile).toHaveBeenCalledOnce();
    await expect(trainer.compile(points(0))).rejects.toThrow('compile: the data set is empty');
  });

  test('follows the schedule', async () => {
    const { trainer } = await setup();
    const schedule = ({ step, totalSteps }: { step: number; totalSteps: number }) => 1 - step / totalSteps;
    const events = await collect(trainer.fit({ ...fitting, epochs: 2, schedule }));
    const rates = events.flatMap((event) => (event.type === 'step' ? [event.learningRate] : []));
    expect(rates).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((step) => 0.05 * (1 - step / 8)));
  });

  test.each([
    [{ epochs: 0 }, /epochs must be a positive integer/],
    [{ batchSize: 1.5 }, /batchSize must be a positive integer/],
    [{ learningRate: Number.NaN }, /learningRate must be above 0/],
    [{ train: points(0) }, /the data set is empty/],
  ])('refuses %o', async (wrong, message) => {
    const { trainer } = await setup();
    await expect(collect(trainer.fit({ ...fitting, ...wrong }))).rejects.toThrow(message);
  });

  test('evaluation and recalibration refuse nothing, and batches of nothing', async () => {
    const { trainer } = await setup();
    await expect(trainer.evaluate(points(0))).rejects.toThrow('a data set of 0 examples');
    await expect(trainer.evaluate(points(9), { batchSize: 0 })).rejects.toThrow(
      'in batches of 0; both must be positive',
    );
    await expect(trainer.recalibrate(points(0))).rejects.toThrow('a data set of 0 examples');
  });

  test('says that a label may be no class where the loss is no number', async () => {
    const { trainer } = await setup();
    const { classNames, ...data } = points(50);
    const train: Dataset = { ...data, get: (i) => ({ ...data.get(i), label: 3 }) };
    await expect(collect(trainer.fit({ ...fitting, train }))).rejects.toThrow(
      /loss is NaN; .*probably a label is outside the classes/,
    );
    await expect(collect(trainer.fit({ ...fitting, train: { ...train, classNames: classNames! } }))).rejects.toThrow(
      /example \d+ has the label 3, expected a whole number from 0 to 2/,
    );
  });

  test('names the example of a data set that gives another size than it says', async () => {
    const train: Dataset = { ...points(50), get: () => ({ features: [1, 2, 3], label: 0 }) };
    const { trainer } = await setup();
    await expect(collect(trainer.fit({ ...fitting, train }))).rejects.toThrow(
      /example \d+ has 3 features .* expected 2/,
    );
  });
});

describe('checkpoints', () => {
  test.each([1, 3, 4, 6, 11])(
    'a run stopped after %i steps goes on bit-identically, dropout and Adam included',
    async (stopAfter) => {
      const whole = await setup();
      const expected = await collect(whole.trainer.fit(fitting));

      const first = await setup();
      const controller = new AbortController();
      const before: TrainerEvent[] = [];
      let bytes: Uint8Array = new Uint8Array();
      for await (const event of first.trainer.fit({ ...fitting, signal: controller.signal })) {
        before.push(event);
        if (before.filter(({ type }) => type === 'step').length === stopAfter) controller.abort();
        if (event.type === 'checkpoint') bytes = encodeCheckpoint(await first.trainer.checkpoint());
      }
      expect(before.at(-1)).toMatchObject({ type: 'checkpoint', reason: 'stopped' });

      const second = await setup({ seed: 99 });
      second.trainer.restore(decodeCheckpoint(bytes));
      const after = await collect(second.trainer.fit(fitting));
      expect(timeless([...before.slice(0, -1), ...after])).toEqual(timeless(expected));
      expect(await second.trainer.values()).toEqual(await whole.trainer.values());
    },
  );

  test('of another model or optimizer are refused by name, and nothing is changed', async () => {
    const { trainer } = await setup();
    const checkpoint = await (await setup({ optimizer: sgd() })).trainer.checkpoint();
    expect(() => trainer.restore(checkpoint)).toThrow(/no 'optimizer\.mean\.hidden\.weight'/);
    const before = await trainer.values();
    const other = sequential({ hidden: dense(8), bn: batchNorm(), act: relu(), out: dense(4) });
    const wide = await (await setup({ network: other })).trainer.checkpoint();
    expect(() => trainer.restore(wide)).toThrow(/'out\.weight' is \[4, 8\], but this model expects \[3, 8\]/);
    expect(await trainer.values()).toEqual(before);
  });

  test('are not taken of weights that are not finite', async () => {
    const { trainer } = await setup();
    trainer.load(new Map([['out.bias', { shape: [3], data: Float32Array.of(0, Number.NaN, 0) }]]));
    await expect(trainer.checkpoint()).rejects.toThrow(/'out\.bias' is not finite/);
  });
});

describe('a loss that is not finite', () => {
  test('stops the step, names it and the first layer concerned, and leaves the weights as they were', async () => {
    const { trainer } = await setup();
    const values = await trainer.values();
    const broken = Float32Array.from(values.get('out.bias')!.data).fill(Infinity);
    trainer.load(new Map([['out.bias', { shape: [3], data: broken }]]));
    const before = await trainer.values();
    await expect(collect(trainer.fit(fitting))).rejects.toThrow(
      /epoch 1, step 1: the loss is NaN; out\.bias is not finite/,
    );
    expect(await trainer.values()).toEqual(before);
  });

  test('that comes from the data names the example', async () => {
    const { trainer } = await setup();
    const features = Float32Array.of(1, 2, Infinity, 3);
    await expect(trainer.step({ features, labels: Int32Array.of(0, 1) }, { learningRate: 1 })).rejects.toThrow(
      /step 1: the loss is NaN; example 1 of the batch has a feature that is Infinity; correct that example/,
    );
  });
});

describe('what is not finite', () => {
  const batch = (...features: number[]) => ({ features: Float32Array.from(features), labels: Int32Array.of(0, 1) });

  test('in a data set is named by its number there, and leaves running statistics as they were', async () => {
    const { trainer } = await setup();
    const good = points(50);
    const bad: Dataset = {
      ...good,
      get: (i) => (i === 37 ? { ...good.get(i), features: [0, Number.NaN] } : good.get(i)),
    };
    const filling: Dataset = {
      ...bad,
      fill: (indices, features, labels) => {
        for (let i = 0; i < indices.length; i++) {
          features.set(bad.get(indices[i]!).features, 2 * i);
          labels[i] = Number(bad.get(indices[i]!).label);
        }
      },
    };
    const before = (await trainer.values()).get('bn.runningMean');
    const training = (train: Dataset) => collect(trainer.fit({ ...fitting, train, batchSize: 50 }));
    await expect(training(bad)).rejects.toThrow('example 37 has the feature NaN, expected a finite number; correct');
    await expect(training(filling)).rejects.toThrow(
      /step 1: the loss is NaN; example 37 has a feature that is NaN; correct/,
    );
    expect((await trainer.values()).get('bn.runningMean')).toEqual(before);
  });

  test('is a running variance, where the loss does not show it', async () => {
    const { trainer } = await setup({ network: sequential({ bn: batchNorm(), out: dense(3) }) });
    const before = await trainer.values();
    await expect(trainer.step(batch(1e30, 1, -1e30, 2), { learningRate: 0.1 })).rejects.toThrow(
      /^step 1: bn\.runningVariance would not be finite; its values are too large to be squared; scale the features/,
    );
    expect(await trainer.values()).toEqual(before);
  });

  test('is a label, or a layer that overflows', async () => {
    const ofValues = await setup({ network: dense(1), objective: regression() });
    const labels = Float32Array.of(0, Number.NaN);
    await expect(ofValues.trainer.step({ ...batch(1, 2, 3, 4), labels }, { learningRate: 1 })).rejects.toThrow(
      /the loss is NaN; example 1 of the batch has a label that is NaN/,
    );
    const { trainer } = await setup({ network: sequential({ a: dense(3), big: (x) => ops.exp(ops.mul(x, x)) }) });
    await expect(trainer.step(batch(1e3, 2e3, 3e3, 4e3), { learningRate: 1 })).rejects.toThrow(
      /the output of big is not finite, though the data is; lower the learning rate, or scale features/,
    );
  });
});

describe('recalibrate', () => {
  const images: Dataset = {
    length: 40,
    features: { shape: [1, 4, 4], dtype: 'uint8' },
    get: (i) => ({ features: Uint8Array.from({ length: 16 }, (_, j) => (i * 37 + j * 11) % 256), label: i % 3 }),
  };
  const averaging =
    (keep = 0.7): Layer =>
    (x, scope) => {
      const old = scope.state('movingMean', [1], zeros());
      const mean = ops.reshape(ops.mean(x), [1]);
      scope.update('movingMean', ops.add(ops.mul(old, keep), ops.mul(mean, 1 - keep)));
      return ops.sub(x, scope.training ? mean : old);
    };

  test.each([
    ['the layer', () => batchNorm(), 'runningMean'],
    ['the layer with a cumulative average', () => batchNorm({ momentum: null }), 'runningMean'],
    ['a user’s own moving average', () => averaging(), 'movingMean'],
  ])('makes the running mean of %s the mean over all data', async (_, normalization, state) => {
    const net = sequential({ norm: normalization(), flat: flatten(), out: dense(3) });
    const { trainer } = await setup({ network: net, inputs: [1, 4, 4] });
    await trainer.recalibrate(images, { batchSize: 16 });
    let sum = 0;
    for (let i = 0; i < 40; i++) for (const pixel of Array.from(images.get(i).features)) sum += pixel / 255;
    expect((await trainer.values()).get(`norm.${state}`)!.data[0]).toBeCloseTo(sum / 640, 5);
  });

  describe.each([
    ['d2l', () => batchNorm(), 1],
    ['keras', () => batchNorm({ convention: 'keras' }), 1],
    ['torch', () => batchNorm({ convention: 'torch' }), 1001 / 1000],
    ['d2l as a cumulative average', () => batchNorm({ momentum: null }), 1],
  ])('by the convention of %s', (_, normalization, correction) => {
    // Sorted and far apart: most of the variance lies between batches of two.
    const values = Float64Array.from({ length: 1001 }, (_, i) => Math.fround(100 + i / 100));
    const population: Dataset = {
      length: values.length,
      features: { shape: [1], dtype: 'float32' },
      get: (i) => ({ features: [values[i]!], label: i % 2 }),
    };
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = (correction * values.reduce((sum, v) => sum + (v - mean) ** 2, 0)) / values.length;

    test.each([2000, 1000, 64, 8, 2])(
      'statistics from batches of %d are those of the population',
      async (batchSize) => {
        const { trainer } = await setup({ network: sequential({ bn: normalization(), out: dense(2) }), inputs: [1] });
        await trainer.recalibrate(population, { batchSize });
        const found = (await trainer.values()).get('bn.runningVariance')!.data[0]!;
        expect(Math.abs(found / variance - 1)).toBeLessThan(1e-5);
      },
    );
  });

  test('leaves parameters alone, and averages that never move', async () => {
    const { trainer } = await setup({
      network: sequential({
        bn: batchNorm({ frozen: true }),
        still: batchNorm({ momentum: 1 }),
        own: averaging(1),
        flat: flatten(),
        out: dense(3),
      }),
      inputs: [1, 4, 4],
    });
    const before = await trainer.values();
    await trainer.recalibrate(images);
    expect(await trainer.values()).toEqual(before);
  });
});

describe('the trainer', () => {
  test('trains a loop of one’s own, and predicts', async () => {
    const { trainer } = await setup({
      network: sequential({ conv: conv2d(2, { kernelSize: 3 }), flat: flatten(), out: dense(2) }),
      inputs: [1, 4, 4],
      optimizer: sgd(),
    });
    const batch = { features: Uint8Array.from({ length: 64 }, (_, i) => i * 4), labels: Int32Array.of(0, 1, 0, 1) };
    const first = await trainer.step(batch, { learningRate: 0.1 });
    for (let i = 0; i < 20; i++) await trainer.step(batch, { learningRate: 0.1 });
    const last = await trainer.step(batch, { learningRate: 0.1 });
    expect(last.loss).toBeLessThan(first.loss);
    expect(await trainer.predict(batch.features)).toHaveLength(8);
    await expect(trainer.predict(new Uint8Array(17))).rejects.toThrow(/no whole number of examples/);
  });

  test('does regression', async () => {
    const train: Dataset = {
      length: 30,
      features: { shape: [1], dtype: 'float32' },
      labels: { shape: [1], dtype: 'float32' },
      get: (i) => ({ features: [i / 30], label: (2 * i) / 30 - 1 }),
    };
    const { trainer } = await setup({ network: dense(1), inputs: [1], objective: regression(), optimizer: adam() });
    const events = await collect(trainer.fit({ train, test: train, epochs: 40, batchSize: 10, learningRate: 0.1 }));
    const evaluation = events.findLast((event) => event.type === 'evaluation')!;
    expect(Object.keys(evaluation.metrics)).toEqual(['absoluteError']);
    expect(evaluation.answers[15]).toBeCloseTo(0, 1);
    expect(evaluation.loss).toBeLessThan(1e-3);
  });

  test('steps that are not awaited wait for each other', async () => {
    const batch = { features: Float32Array.of(1, 2, -1, 0.5, 3, -2), labels: Int32Array.of(0, 1, 2) };
    const [one, other] = [await setup(), await setup()];
    await Promise.all([1, 2, 3].map(() => one.trainer.step(batch, { learningRate: 0.1 })));
    for (let i = 0; i < 3; i++) await other.trainer.step(batch, { learningRate: 0.1 });
    expect(await one.trainer.values()).toEqual(await other.trainer.values());
  });

  test('leaves no value behind on the backend', async () => {
    const { backend, trainer } = await setup();
    await collect(trainer.fit(fitting));
    await trainer.evaluate(points(10));
    await trainer.recalibrate(points(20));
    await trainer.predict(Float32Array.of(1, 2));
    await trainer.checkpoint();
    await trainer.dispose();
    expect(backend.liveValues).toBe(0);
  });

  test('refuses a seed that is no integer', async () => {
    await expect(setup({ seed: 0.5 })).rejects.toThrow(/seed must be an integer/);
  });
});
