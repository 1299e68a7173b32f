// A training step that is computed in parts of the batch is the step of the whole batch.

import { createBackend } from '@bn/reference';
import { describe, expect, test } from 'vitest';
import { CutExecutable, type Division } from '../src/cut/cut-executable.js';
import { type Cut, cutGraph } from '../src/cut/cut-graph.js';
import { sharesOf } from '../src/cut/shares.js';
import {
  adam,
  avgPool2d,
  batchNorm,
  batchRenorm,
  chain,
  classification,
  clip,
  colorJitter,
  constant,
  conv2d,
  createGenerator,
  createGraph,
  cutmix,
  defineModel,
  dense,
  dropout,
  flatten,
  type Graph,
  ghostBatchNorm,
  globalAveragePool2d,
  groupNorm,
  input,
  type Layer,
  maxPool2d,
  mixup,
  ops,
  randomAffine,
  randomErasing,
  relu,
  residual,
  type Spec,
  sequential,
  sgd,
  sigmoid,
  sizeOf,
  stochasticDepth,
  type Tensor,
  type TypedArray,
  type Value,
  zeros,
} from '../src/index.js';
import { shareStep } from '../src/training/share-step.js';
import { type Learner, learnerGraph } from '../src/training/step-graph.js';
import { partiesOf } from './parties.js';

const examples = 10;
const rows = new Set(['features', 'labels']);

/** The step's graph, and data for its inputs. */
function stepOf(network: Layer, { shape = [1, 8, 8], objective = classification(), optimizer = sgd() } = {}) {
  const model = defineModel(network, { input: { shape: [null, ...shape], dtype: 'float32' } });
  const spec = {
    features: { shape: [examples, ...shape], dtype: 'float32' as const },
    labels: { shape: [examples], dtype: 'int32' as const },
  };
  const learner: Learner = { model, objective, optimizer };
  const graph = learnerGraph(learner, spec);
  const random = createGenerator(5);
  const data = new Map<string, TypedArray>();
  for (const [name, node] of graph.inputs) {
    const size = sizeOf(node.shape);
    if (name === 'labels')
      data.set(
        name,
        Int32Array.from({ length: size }, () => random.integer(3)),
      );
    else if (name.startsWith('random.'))
      data.set(
        name,
        Float64Array.from({ length: size }, () => random.uniform()),
      );
    else if (name === 'features')
      data.set(
        name,
        Float64Array.from({ length: size }, () => 100 + random.uniform()),
      );
    else if (name === 'learningRate' || name === 'step') data.set(name, Float64Array.of(0.5));
    else if (name.endsWith('warmth')) data.set(name, Float64Array.of(0.9));
    else
      data.set(
        name,
        Float64Array.from({ length: size }, () => 0.5 + random.uniform()),
      );
  }
  return { graph, data, learner, spec };
}

/** Inputs with one row for each example. */
function rowsOf(graph: Graph): Set<string> {
  return new Set(
    [...graph.inputs]
      .filter(([name, { shape }]) => rows.has(name) || (name.startsWith('random.') && shape[0] === examples))
      .map(([name]) => name),
  );
}

/** @param how the graph is computed in parts; by default cut where the batch is reduced */
async function outputsOf(
  { graph, data }: Pick<ReturnType<typeof stepOf>, 'graph' | 'data'>,
  { keptBytes, cut: given, ...division }: { keptBytes?: number; cut?: Cut } & Division = {},
): Promise<Map<string, number[]>> {
  const backend = await createBackend({ precision: 64 });
  const values = new Map<string, Value>();
  for (const [name, spec] of graph.inputs) values.set(name, backend.upload(data.get(name)!, spec));
  let outputs: Map<string, Value>;
  if (division.most === undefined && !division.party) outputs = await (await backend.compile(graph)).run(values);
  else {
    const cut = given ?? cutGraph(graph, { examples, rows: rowsOf(graph) }, keptBytes);
    const executable = await CutExecutable.compile(backend, cut, division);
    const before = backend.liveValues;
    outputs = await executable.run({
      values,
      rowsOf: (name, start, count) => {
        const all = data.get(name)!;
        const size = all.length / examples;
        return all.slice(start * size, (start + count) * size) as TypedArray;
      },
    });
    expect(backend.liveValues).toBe(before + outputs.size);
  }
  const numbers = new Map<string, number[]>();
  for (const [name, value] of outputs) numbers.set(name, Array.from(await backend.download(value)));
  await backend.dispose();
  return numbers;
}

function largestDifference(a: Map<string, number[]>, b: Map<string, number[]>): number {
  expect([...a.keys()].sort()).toEqual([...b.keys()].sort());
  let worst = 0;
  for (const [name, values] of a) {
    const scale = Math.max(1e-9, ...values.map(Math.abs));
    values.forEach((v, i) => {
      worst = Math.max(worst, Math.abs(v - b.get(name)![i]!) / scale);
    });
  }
  return worst;
}

const { add, div, mean, mul, sqrt, square, sub } = ops;

/** As in the textbook: from operations. */
const fromScratch: Layer = (x, scope) => {
  const axes = x.shape.length === 2 ? [0] : [0, 2, 3];
  const average = mean(x, axes, { keepDims: true });
  const variance = mean(square(sub(x, average)), axes, { keepDims: true });
  const gamma = scope.parameter('gamma', variance.shape as number[], () => new Float32Array());
  return mul(gamma, div(sub(x, average), sqrt(add(variance, 1e-5))));
};

/** By the largest value of each feature in the batch. */
const byLargest: Layer = (x) => div(x, add(ops.max(x, [0, 2, 3], { keepDims: true }), 1));

const small = (normalization: Layer) =>
  sequential({
    conv1: conv2d(4, { kernelSize: 3 }),
    bn1: normalization,
    act: sigmoid(),
    pool: avgPool2d(2),
    conv2: conv2d(5, { kernelSize: 2 }),
    bn2: normalization,
    act2: relu(),
    flatten: flatten(),
    dense: dense(6),
    bn3: normalization,
    out: dense(3),
  });

const networks: Record<string, () => ReturnType<typeof stepOf>> = {
  'batch normalization': () => stepOf(small(batchNorm())),
  'batch normalization from operations': () => stepOf(small(fromScratch)),
  'batch renormalization': () => stepOf(small(batchRenorm({ warmup: 1 }))),
  'group normalization': () =>
    stepOf(
      sequential({
        conv: conv2d(4, { kernelSize: 3 }),
        gn: groupNorm({ groups: 2 }),
        flatten: flatten(),
        out: dense(3),
      }),
    ),
  'a reduction by max': () =>
    stepOf(sequential({ conv: conv2d(4, { kernelSize: 3 }), n: byLargest, flatten: flatten(), out: dense(3) })),
  'a residual network': () =>
    stepOf(
      sequential({
        conv: conv2d(4, { kernelSize: 3, padding: 1 }),
        pool: maxPool2d(2),
        block: residual(
          sequential({ conv: conv2d(4, { kernelSize: 3, padding: 1 }), bn: batchNorm(), drop: stochasticDepth(0.5) }),
        ),
        bn: batchNorm({ convention: 'torch' }),
        end: globalAveragePool2d(),
        flatten: flatten(),
        out: dense(3),
      }),
    ),
  'dropout, Adam and clipping': () =>
    stepOf(sequential({ flatten: flatten(), drop: dropout(0.5), hidden: dense(6), bn: batchNorm(), out: dense(3) }), {
      optimizer: chain(clip(0.1), adam()),
    }),
  'augmentation and cutmix': () =>
    stepOf(
      sequential({
        affine: randomAffine({ rotate: 20, shift: 0.1, scale: 0.1, flip: true }),
        light: colorJitter({ brightness: 0.1, contrast: 0.1 }),
        erase: randomErasing(),
        mix: cutmix(),
        net: small(batchNorm()),
      }),
    ),
  mixup: () => stepOf(sequential({ mix: mixup(), net: small(batchNorm()) })),
  'weights of classes': () =>
    stepOf(small(batchNorm()), { objective: classification({ classWeights: [1, 2, 3], labelSmoothing: 0.1 }) }),
};

describe.each(Object.entries(networks))('%s', (_, build) => {
  test('parts of any size, with and without what was kept, give what the whole batch gives', async () => {
    const step = build();
    const whole = await outputsOf(step);
    for (const how of [{ most: 5 }, { most: 3, keptBytes: 300 }, { most: 1 }, { most: 4, keptBytes: 0 }]) {
      expect(largestDifference(whole, await outputsOf(step, how)), JSON.stringify(how)).toBeLessThan(1e-9);
    }
  });
});

test.each([
  ['three, of unequal shares', 3, undefined],
  ['more than there are examples', 12, undefined],
  ['two, of which one has nothing to do', 2, 10],
  ['two, which share parts of three examples', 2, 3],
  ['three, which share single examples', 3, 1],
])('several processes compute a batch together: %s', async (_, size, most) => {
  const step = networks['augmentation and cutmix']!();
  const whole = await outputsOf(step);
  const all = await Promise.all(partiesOf(size).map((party) => outputsOf(step, { most, party })));
  for (const outputs of all) expect(largestDifference(whole, outputs)).toBeLessThan(1e-9);
  // All of them go on with the same bits; with parts of a fixed size, with those of one process alone.
  const expected = most === undefined ? all[0] : await outputsOf(step, { most });
  for (const outputs of all) expect(outputs).toEqual(expected);
});

describe('each part a batch of its own', () => {
  type Step = ReturnType<typeof stepOf>;
  const cutOf = ({ graph, learner, spec }: Step) => shareStep(learner, spec, { examples, rows: rowsOf(graph) });

  /**
   * Steps of separate batches, their outputs averaged by examples and their metrics added up: a plain step is linear in the gradients,
   * so that its mean is the step by their mean.
   */
  async function meanOfSteps({ graph, data, learner, spec }: Step, most: number): Promise<Map<string, number[]>> {
    const totals = new Map<string, number[]>();
    for (const { start, size } of sharesOf(examples, most, 1)[0]!.shards) {
      const own = [...rowsOf(graph)].map((name) => {
        const perExample = data.get(name)!.length / examples;
        return [name, data.get(name)!.slice(start * perExample, (start + size) * perExample) as TypedArray] as const;
      });
      const sized = ({ shape, dtype }: Spec) => ({ shape: shape.with(0, size), dtype });
      const share = learnerGraph(learner, { features: sized(spec.features), labels: sized(spec.labels) });
      for (const [name, values] of await outputsOf({ graph: share, data: new Map([...data, ...own]) })) {
        const weight = name.startsWith('sum:') ? 1 : size / examples;
        totals.set(
          name,
          values.map((v, i) => (totals.get(name)?.[i] ?? 0) + weight * v),
        );
      }
    }
    return totals;
  }

  test.each(Object.entries(networks))('%s: the mean of the steps of separate batches', async (_, build) => {
    const built = build();
    const learner = { ...built.learner, optimizer: sgd() };
    const step = { ...built, learner };
    for (const most of [5, 4]) {
      const outputs = await outputsOf(step, { cut: cutOf(step), most });
      expect(largestDifference(await meanOfSteps(step, most), outputs), `parts of ${most}`).toBeLessThan(1e-9);
    }
  });

  test.each([
    ['of unequal shares', 3, undefined],
    ['of which some have nothing to do', 6, undefined],
    ['which share parts of four examples', 2, 4],
  ])('several processes have the same bits: %s', async (_, size, most) => {
    const step = networks['dropout, Adam and clipping']!();
    const all = await Promise.all(partiesOf(size).map((party) => outputsOf(step, { cut: cutOf(step), most, party })));
    // Five shares of two examples are all that six processes have.
    const expected = await outputsOf(step, { cut: cutOf(step), most: most ?? (size === 6 ? 2 : 4) });
    for (const outputs of all) expect(outputs).toEqual(expected);
  });

  test('one message a step, whatever the layers', () => {
    const { levels, reductions } = cutOf(networks['a residual network']!());
    expect(levels).toBe(1);
    expect(new Set(reductions.map(({ kind }) => kind))).toEqual(new Set(['sum', 'mean']));
  });
});

test('an output with a row for each example has the rows of all, in their order', async () => {
  const x = input('features', [examples, 2]);
  const graph = createGraph({ y: sub(x, mean(x, [0], { keepDims: true })), least: ops.sum(x) });
  const data = new Map([['features', Float64Array.from({ length: 2 * examples }, (_, i) => i * i)]]);
  const step = { graph, data };
  expect(largestDifference(await outputsOf(step), await outputsOf(step, { most: 3 }))).toBeLessThan(1e-12);
});

describe('what has to be put together', () => {
  const cutOf = ({ graph }: ReturnType<typeof stepOf>) => cutGraph(graph, { examples, rows: rowsOf(graph) });
  const oneLayer = (normalization: Layer) =>
    stepOf(sequential({ flatten: flatten(), dense: dense(4), bn: normalization, out: dense(3) }));

  test.each([
    ['batch normalization', batchNorm()],
    ['batch normalization from operations', fromScratch],
  ])('%s: its statistics at once, and once more in the backward pass', (_, layer) => {
    const { levels, reductions } = cutOf(oneLayer(layer));
    expect(levels).toBe(3);
    const kindsAt = (level: number) => reductions.filter((one) => one.level === level).map(({ kind }) => kind);
    expect(kindsAt(0)).toContain('moments');
    // The loss, the metric, the gradients after the layer, and its own two sums.
    expect(new Set(kindsAt(1))).toEqual(new Set(['sum']));
    expect(kindsAt(2)).toEqual(['sum']);
  });

  test('without layers that reduce over the batch: once', () => {
    expect(cutOf(oneLayer(relu())).levels).toBe(1);
  });

  test('a mean far from zero loses no digits', async () => {
    const x = input('features', [examples, 1]);
    const average = mean(x, [0], { keepDims: true });
    const graph = createGraph({ variance: mean(square(sub(x, average)), [0]) });
    const data = new Map([['features', Float64Array.from({ length: examples }, (_, i) => 1e8 + i)]]);
    expect((await outputsOf({ graph, data }, { most: 3 })).get('variance')![0]).toBeCloseTo(8.25, 12);
  });
});

test('products that can be kept are computed once; with room for a few, a few times, not once for each layer behind', () => {
  const blocks = Array.from({ length: 12 }, () =>
    residual(sequential({ conv: conv2d(4, { kernelSize: 3, padding: 1 }), bn: batchNorm() })),
  );
  const { graph } = stepOf(sequential([...blocks, flatten(), dense(3)]), { shape: [4, 8, 8] });
  const isProduct = ({ op }: Tensor) => op.startsWith('conv2d') || op === 'matmul';
  const once = graph.nodes.filter(isProduct).length;
  /** Products that all segments compute, relative to those of the whole. */
  const workWith = (activations: number) => {
    const bytes = activations * 4 * 8 * 8 * 4;
    const cut = cutGraph(graph, { examples, rows: rowsOf(graph) }, bytes);
    const all = Array.from({ length: cut.levels }, (_, level) => cut.segment(level, 5).graph.nodes.filter(isProduct));
    return all.flat().length / once;
  };
  expect(workWith(Number.POSITIVE_INFINITY)).toBe(1);
  expect(workWith(12)).toBeLessThan(2);
  expect(workWith(6)).toBeLessThan(4);
  expect(workWith(0)).toBeGreaterThan(8);
});

describe('what mixes examples is refused, with its layer', () => {
  const pairs: Layer = (x) => ops.matmul(ops.matmul(x, x, { transposeB: true }), x);
  const sorted: Layer = (x) => ops.gather(x, constant([1, 0, 3, 2, 5, 4, 7, 6, 9, 8], [examples], 'int32'), 0);
  const places: Layer = (x) => add(x, ops.cast(ops.iota([examples, 1], 0), 'float32'));
  const perPlace: Layer = (x, scope) => add(x, scope.parameter('bias', x.shape as number[], zeros()));
  test.each<[string, Layer, RegExp]>([
    ['attention between examples', pairs, /^layer \(matmul\) of \[10, 4\] and \[10, 4\] mixes the examples of a batch/],
    ['another order', sorted, /^layer \(gather\) of \[10, 4\] and \[10\] mixes/],
    ['ghost batches', ghostBatchNorm({ size: 5 }), /^layer \(reshape\) of \[10, 4\] mixes/],
    ['numbers of places', places, /^layer \(iota\) of \[10, 1\] has an entry for each example/],
    ['a parameter for each place', perPlace, /^layer \(input\) of \[10, 4\] has an entry for each example/],
  ])('%s', (_, layer, message) => {
    const { graph } = stepOf(sequential({ flatten: flatten(), dense: dense(4), layer, out: dense(3) }));
    const cut = () => cutGraph(graph, { examples, rows: rowsOf(graph) }).segment(0, 5);
    expect(cut).toThrow(message);
  });
});
