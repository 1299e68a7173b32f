// The gradients of core against central differences, (f(x + h) − f(x − h)) / 2h, in float64.

import {
  type Backend,
  constant,
  createGenerator,
  createGraph,
  type Graph,
  gradients,
  input,
  ops,
  type Tensor,
} from '@bn/core';
import { createBackend } from '@bn/reference';
import { beforeAll, describe, expect, test } from 'vitest';
import { Draw } from '../src/draw.js';
import { expectClose } from '../src/expect-close.js';
import { type GradientCase, gradientCases } from '../src/gradient-cases.js';
import { type HostValue, type HostValues, hostValue } from '../src/host-value.js';
import { named, runOnce } from '../src/run-graph.js';

const h = 1e-5;
let backend: Backend;
beforeAll(async () => {
  backend = await createBackend({ precision: 64 });
});

describe('first derivatives', () => {
  test.each(gradientCases)('$name', (gradientCase) =>
    compare(gradientCase, (xs) => weighed(gradientCase.build(...xs))),
  );
});

describe('second derivatives', () => {
  const twice = gradientCases.filter(({ once }) => !once);
  test.each(twice)('$name', (gradientCase) =>
    compare(gradientCase, (xs) => {
      const slopes = gradients(weighed(gradientCase.build(...xs)), differentiated(xs));
      return slopes.map((dx, i) => weighed(dx, i)).reduce((a, b) => ops.add(a, b));
    }),
  );
});

test('the gradient of a max-pool gradient is an error that says so', () => {
  const x = input('x', [1, 1, 4, 4]);
  const pooled = ops.maxPool2d(x, { kernelSize: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], dilation: [1, 1] });
  const [dx] = gradients(pooled, [x]);
  expect(() => gradients(ops.square(dx), [input('other', []), dx.inputs[1]])).toThrow(/max pooling/);
});

/** Compares the gradients of a scalar function with its central differences, for every element of every input. */
async function compare({ inputs }: GradientCase, scalarOf: (xs: readonly Tensor[]) => Tensor): Promise<void> {
  const xs = inputs.map(({ shape, dtype }, i) => input(`x${i}`, shape, dtype));
  const y = scalarOf(xs);
  const slopes = gradients(y, differentiated(xs));
  const values = named(inputs);
  const analytic = await run(createGraph(Object.fromEntries(slopes.map((dx, i) => [`d${i}`, dx]))), values);
  const function_ = createGraph({ y });
  for (const [i, x] of differentiated(xs).entries()) {
    const name = `x${(xs as readonly Tensor[]).indexOf(x)}`;
    expectClose(analytic[`d${i}`], await centralDifferences(function_, values, name), 1e-6);
  }
}

async function centralDifferences(graph: Graph, values: HostValues, name: string): Promise<HostValue> {
  const executable = await backend.compile(graph);
  const at = async (element: number, by: number) => {
    const data = values[name].data.slice();
    data[element] += by;
    const moved: HostValues = { ...values, [name]: { ...values[name], data } };
    const taken = Object.fromEntries([...graph.inputs.keys()].map((key) => [key, moved[key]]));
    return (await runOnce(backend, executable, taken, 64)).y.data[0];
  };
  const differences = new Float64Array(values[name].data.length);
  for (let i = 0; i < differences.length; i++) differences[i] = ((await at(i, h)) - (await at(i, -h))) / (2 * h);
  return hostValue(differences, values[name].shape);
}

async function run(graph: Graph, values: HostValues): Promise<HostValues> {
  const executable = await backend.compile(graph);
  const taken = Object.fromEntries([...graph.inputs.keys()].map((key) => [key, values[key]]));
  return runOnce(backend, executable, taken, 64);
}

/** Σ weight · y with fixed random weights, so that no element's gradient hides behind another's. */
function weighed(y: Tensor, stream = 0): Tensor {
  const weights = new Draw(createGenerator(19, stream)).normal(y.shape as readonly number[]);
  return ops.sum(ops.mul(y, constant(weights.data, weights.shape)));
}

function differentiated(xs: readonly Tensor[]): Tensor[] {
  return xs.filter(({ dtype }) => dtype === 'float32');
}
