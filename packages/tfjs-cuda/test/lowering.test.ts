// What programs are made of, without computing anything.

import {
  batchNorm,
  classification,
  createGraph,
  defineModel,
  type Graph,
  input,
  ops,
  sgd,
  sizeOf,
  trainingStepGraph,
} from '@bn/core';
import { lenet } from '@bn/models';
import { describe, expect, test } from 'vitest';
import type { Engine, EngineName } from '../src/engine.js';
import { lower } from '../src/lowering/lowering.js';
import type { Call } from '../src/program/kernels.js';

/** The kernel calls of a run, by an engine that does nothing. */
function callsOf(graph: Graph, name: EngineName): Call[] {
  const calls: Call[] = [];
  const engine: Engine = {
    name,
    device: { kind: 'cpu', description: 'none' },
    tensorCount: 0,
    prepare: (call) => () => {
      calls.push(call);
      return {};
    },
    upload: () => ({}),
    download: () => new Float32Array(),
    share: (handle) => handle,
    release: () => {},
    dispose: () => {},
  };
  const program = lower(graph, engine, 1);
  calls.length = 0; // what depends on constants alone is computed while lowering
  program.run(new Map([...graph.inputs.keys()].map((name) => [name, {}])));
  expect(calls.length).toBe(program.length);
  return calls;
}

const kernels = (calls: readonly Call[]) => calls.map(({ kernel }) => kernel);

describe('a training step of LeNet', () => {
  const model = defineModel(lenet({ normalization: () => batchNorm() }), {
    input: { shape: [null, 1, 28, 28], dtype: 'float32' },
  });
  const step = trainingStepGraph(model, classification(), sgd(), {
    features: { shape: [256, 1, 28, 28], dtype: 'uint8' },
    labels: { shape: [256], dtype: 'int32' },
  });

  test('transposes images before flattening and after unflattening only', () => {
    const sizes = callsOf(step, 'native')
      .filter(({ kernel }) => kernel === 'Transpose')
      .map(({ result }) => sizeOf(result.shape));
    const flattened = 256 * 16 * 4 * 4;
    expect(sizes.filter((size) => size > 25 * 6 * 16)).toEqual([flattened, flattened]);
    // The filters of both convolutions, and their gradients.
    expect(sizes.length).toBe(6);
  });

  test('adds per-channel values to long rows', () => {
    const sums = callsOf(step, 'wasm').filter(({ kernel, result }) => kernel === 'Add' && sizeOf(result.shape) > 1e5);
    for (const { operands } of sums) expect(operands[1].shape.at(-1)).toBeGreaterThanOrEqual(64);
  });
});

test('equal computations are made once, dead ones never, constant ones while lowering', () => {
  const x = input('x', [2, 3]);
  const dead = ops.exp(x);
  const sum = ops.add(ops.neg(x), ops.neg(x));
  expect(dead.op).toBe('exp');
  expect(kernels(callsOf(createGraph({ y: ops.mul(sum, ops.sqrt(ops.fill([2, 3], 4))) }), 'js'))).toEqual([
    'Neg',
    'Add',
    'Multiply',
  ]);
});

test('what is broadcast only to be added is not repeated', () => {
  const y = ops.add(input('x', [4, 3]), ops.broadcastTo(input('bias', [3]), [4, 3]));
  expect(kernels(callsOf(createGraph({ y }), 'js'))).toEqual(['Add']);
});

test('transposing there and back is nothing', () => {
  const there = ops.transpose(input('x', [2, 3, 4]), [2, 0, 1]);
  expect(callsOf(createGraph({ y: ops.transpose(there, [1, 2, 0]) }), 'js')).toEqual([]);
  const image = ops.transpose(input('x', [2, 1, 3, 4]), [0, 2, 3, 1]);
  expect(kernels(callsOf(createGraph({ y: image }), 'js'))).toEqual(['Reshape']);
});
