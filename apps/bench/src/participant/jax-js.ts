// jax-js on its WebAssembly device: the whole step is one jitted function, as its documentation has it. In Node it computes on one
// thread, as it takes its workers from a page.

import { readFile } from 'node:fs/promises';
import { createGenerator, permutation } from '@bn/core';
import { defaultDevice, init, jit, lax, nn, numpy as np, type Array as Tensor, valueAndGrad } from '@jax-js/jax';
import type { LayerSpec } from '../networks.js';
import { type Contestant, without } from './contestant.js';
import { loadImages, numbersOf } from './data.js';
import type { Settings } from './exchange.js';

/** Parameters, or running statistics, by the path of their layer. */
type Values = Record<string, Tensor>;

const momentum = 0.9;
const epsilon = 1e-5;

export async function create(settings: Settings): Promise<Contestant> {
  const { shape, batchSize, learningRate, seed, layers } = settings;
  const manifest = new URL('../package.json', import.meta.resolve('@jax-js/jax'));
  const introduction = {
    name: 'jax-js, WebAssembly',
    version: (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version,
    runtime: `Node ${process.versions.node}`,
  };
  if (settings.named !== undefined) return without(introduction, `this peer has no ${settings.named}`);
  await init('wasm');
  defaultDevice('wasm');
  const { train, test } = await loadImages(shape, settings.examples);
  const all = numbersOf(train, train.length);
  const size = shape[0] * shape[1] * shape[2];
  const random = createGenerator(seed, 0);
  let [parameters, statistics]: [Values, Values] = [{}, {}];
  initialize(layers, '', shape, { parameters, statistics, random: random.uniform });

  const lossOf = (parameters: Values, statistics: Values, x: Tensor, oneHot: Tensor): [Tensor, Values] => {
    const updated: Values = {};
    const logits = forward(layers, '', { parameters, statistics, updated }, x);
    return [nn.logSoftmax(logits).mul(oneHot).sum(1).mean().neg(), updated];
  };
  const step = jit((parameters: Values, statistics: Values, x: Tensor, oneHot: Tensor) => {
    const copies = mapped(parameters, (value) => value.ref);
    const [[loss, updated], slopes] = valueAndGrad(lossOf, { hasAux: true })(copies, statistics, x, oneHot);
    const next = mapped(parameters, (value, path) => value.sub((slopes as Values)[path]!.mul(learningRate)));
    return [next, updated, loss] as [Values, Values, Tensor];
  });
  const predict = jit((parameters: Values, statistics: Values, x: Tensor) =>
    np.argmax(forward(layers, '', { parameters, statistics }, x), 1),
  );

  /** Trains on the examples of these numbers; gives their mean loss. */
  async function trainOn(indices: Int32Array): Promise<number> {
    const features = new Float32Array(indices.length * size);
    const oneHot = new Float32Array(indices.length * 10);
    indices.forEach((index, i) => {
      features.set(all.features.subarray(index * size, (index + 1) * size), i * size);
      oneHot[10 * i + all.labels[index]!] = 1;
    });
    const x = np.array(features).reshape([indices.length, ...shape]);
    const [nextParameters, nextStatistics, loss] = step(
      parameters,
      statistics,
      x,
      np.array(oneHot).reshape([indices.length, 10]),
    );
    [parameters, statistics] = [nextParameters, nextStatistics];
    return (await loss.data())[0]!;
  }

  const first = Int32Array.from({ length: Math.min(batchSize, train.length) }, (_, i) => i);
  await trainOn(first);
  return {
    introduction,
    examples: train.length,
    async train() {
      const order = permutation(train.length, random);
      let sum = 0;
      for (let start = 0; start < order.length; start += batchSize) {
        const indices = order.subarray(start, start + batchSize);
        sum += (await trainOn(indices)) * indices.length;
      }
      return sum / order.length;
    },
    step: () => trainOn(first),
    async predictions(batch) {
      const { features } = numbersOf(test, batch);
      const copy = (values: Values) => mapped(values, (value) => value.ref);
      return {
        once: () => predict(copy(parameters), copy(statistics), np.array(features).reshape([batch, ...shape])).data(),
      };
    },
  };
}

function mapped(values: Values, change: (value: Tensor, path: string) => Tensor): Values {
  return Object.fromEntries(Object.entries(values).map(([path, value]) => [path, change(value, path)]));
}

/** The layers of a residual block: beside an identity, or a 1×1 convolution where shapes differ. */
function branches(channels: number, stride: number, inputs: number) {
  const body: LayerSpec[] = [['conv', channels, 3, 1], ['bn'], ['relu'], ['conv', channels, 3, 1], ['bn']];
  const skip: LayerSpec[] = inputs === channels && stride === 1 ? [] : [['conv', channels, 1, 0], ['bn']];
  return { body, skip };
}

interface Initial {
  readonly parameters: Values;
  readonly statistics: Values;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Fills in the values of all layers, and gives the shape that comes out. */
function initialize(
  layers: readonly LayerSpec[],
  path: string,
  shape: readonly number[],
  initial: Initial,
): readonly number[] {
  const { parameters, statistics, random } = initial;
  const xavier = (dimensions: number[], inputs: number, outputs: number) => {
    const limit = Math.sqrt(6 / (inputs + outputs));
    const length = dimensions.reduce((product, n) => product * n, 1);
    return np.array(Float32Array.from({ length }, () => limit * (2 * random() - 1))).reshape(dimensions);
  };
  for (const [i, spec] of layers.entries()) {
    const at = `${path}${i}`;
    const [channels, ...area] = shape as [number, ...number[]];
    if (spec[0] === 'conv') {
      const [, filters, kernel, padding] = spec;
      parameters[`${at}.weight`] = xavier(
        [filters, channels, kernel, kernel],
        channels * kernel ** 2,
        filters * kernel ** 2,
      );
      parameters[`${at}.bias`] = np.zeros([filters, 1, 1]);
      shape = [filters, ...area.map((n) => n + 2 * padding - kernel + 1)];
    } else if (spec[0] === 'residual') {
      const { body, skip } = branches(spec[1], spec[2], channels);
      initialize(skip, `${at}.skip.`, shape, initial);
      const [filters, ...rest] = initialize(body, `${at}.body.`, shape, initial) as [number, ...number[]];
      shape = [filters, ...rest.map((n) => Math.ceil(n / spec[2]))];
    } else if (spec[0] === 'dense') {
      parameters[`${at}.weight`] = xavier([channels, spec[1]], channels, spec[1]);
      parameters[`${at}.bias`] = np.zeros([spec[1]]);
      shape = [spec[1]];
    } else if (spec[0] === 'bn') {
      const own = [channels, ...area.map(() => 1)];
      parameters[`${at}.gamma`] = np.ones(own);
      parameters[`${at}.beta`] = np.zeros(own);
      statistics[`${at}.mean`] = np.zeros(own);
      statistics[`${at}.variance`] = np.ones(own);
    } else if (spec[0] === 'avgPool' || spec[0] === 'maxPool') {
      shape = [channels, ...area.map((n) => Math.floor(n / spec[1]))];
    } else if (spec[0] === 'globalPool') shape = [channels];
    else if (spec[0] === 'flatten') shape = [shape.reduce((product, n) => product * n, 1)];
  }
  return shape;
}

interface Pass {
  readonly parameters: Values;
  readonly statistics: Values;
  /** In training: takes the running statistics after the step. */
  readonly updated?: Values;
}

/** Consumes `x`, and each of the values once. */
function forward(layers: readonly LayerSpec[], path: string, pass: Pass, x: Tensor, firstStride = 1): Tensor {
  const { parameters, statistics, updated } = pass;
  for (const [i, spec] of layers.entries()) {
    const at = `${path}${i}`;
    const own = (name: string) => parameters[`${at}.${name}`]!;
    if (spec[0] === 'conv') {
      const margins = [spec[3], spec[3]] as [number, number];
      const stride = i === 0 ? firstStride : 1;
      x = lax.convGeneralDilated(x, own('weight'), [stride, stride], [margins, margins]).add(own('bias'));
    } else if (spec[0] === 'residual') {
      const { body, skip } = branches(spec[1], spec[2], x.shape[1]!);
      const other = forward(skip, `${at}.skip.`, pass, x.ref, spec[2]);
      x = nn.relu(forward(body, `${at}.body.`, pass, x, spec[2]).add(other));
    } else if (spec[0] === 'dense') x = np.matmul(x, own('weight')).add(own('bias'));
    else if (spec[0] === 'bn') {
      let [mean, variance] = [statistics[`${at}.mean`]!, statistics[`${at}.variance`]!];
      if (updated) {
        const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
        const drop = (value: Tensor) => value.reshape(mean.shape);
        const batch = drop(np.mean(x.ref, axes));
        const spread = drop(np.mean(np.square(x.ref.sub(batch.ref)), axes));
        const follow = (old: Tensor, now: Tensor) => old.mul(momentum).add(lax.stopGradient(now).mul(1 - momentum));
        updated[`${at}.mean`] = follow(mean, batch.ref);
        updated[`${at}.variance`] = follow(variance, spread.ref);
        [mean, variance] = [batch, spread];
      }
      x = x
        .sub(mean)
        .div(np.sqrt(variance.add(epsilon)))
        .mul(own('gamma'))
        .add(own('beta'));
    } else if (spec[0] === 'avgPool' || spec[0] === 'maxPool') {
      const reduce = spec[0] === 'avgPool' ? np.mean : np.max;
      const window = [1, 1, spec[1], spec[1]];
      x = lax.reduceWindow(x, (part) => reduce(part), window, window);
    } else if (spec[0] === 'globalPool') x = np.mean(x, [2, 3]);
    else if (spec[0] === 'flatten') x = x.reshape([x.shape[0]!, -1]);
    else x = spec[0] === 'sigmoid' ? nn.sigmoid(x) : nn.relu(x);
  }
  return x;
}
