// Training steps one after another: they repeat to the bit and leave nothing behind.

import {
  type Backend,
  batchNorm,
  createGenerator,
  defineModel,
  dense,
  dropout,
  type Graph,
  sequential,
  sgd,
  sigmoid,
  softmaxCrossEntropy,
  trainingStepGraph,
  type Value,
} from '@bn/core';
import { expect } from 'vitest';
import { Draw } from './draw.js';
import { expectClose, expectIdentical } from './expect-close.js';
import { type HostValue, type HostValues, hostValue } from './host-value.js';
import { download, runOnce, upload } from './run-graph.js';
import type { Suite } from './suite.js';

export function testSteps(suite: Suite): void {
  suite.graphTest('steps: the same step twice gives the same bits', stepGraph, async (graph) => {
    const executable = await suite.backend.compile(graph);
    const first = await runOnce(suite.backend, executable, firstValues(graph));
    const second = await runOnce(suite.backend, executable, firstValues(graph));
    for (const [name, value] of Object.entries(first)) expectIdentical(second[name], value);
    await executable.dispose();
  });

  suite.graphTest('steps: fifty keep as many values as one', stepGraph, async (graph) => {
    const actual = await fiftySteps(suite.backend, graph);
    const expected = await fiftySteps(suite.oracle, graph);
    for (const [name, value] of Object.entries(expected)) {
      expectClose(actual[name], value, suite.tolerance('composition'));
    }
  });
}

/** A small step with a little of everything: batch normalization, dropout, running statistics, momentum. */
function stepGraph(): Graph {
  const network = sequential({
    dense1: dense(7),
    bn1: batchNorm(),
    sigmoid1: sigmoid(),
    dropout: dropout(0.3),
    dense2: dense(3),
  });
  return trainingStepGraph(
    defineModel(network, { input: { shape: [null, 5], dtype: 'float32' } }),
    softmaxCrossEntropy(),
    sgd({ momentum: 0.9 }),
    { features: { shape: [6, 5], dtype: 'float32' }, labels: { shape: [6], dtype: 'int32' } },
  );
}

/** Something random for every input of the step, rounded to float32. */
function firstValues(graph: Graph): HostValues {
  const draw = new Draw(createGenerator(17));
  const values = [...graph.inputs].map(([name, spec]): [string, HostValue] => {
    const shape = spec.shape as readonly number[];
    if (name === 'labels') return [name, draw.indices(shape, 3)];
    if (name === 'learningRate') return [name, hostValue([0.125], shape)];
    if (name.startsWith('random.')) return [name, draw.uniform(shape)];
    return [name, name.endsWith('Variance') ? draw.positive(shape) : draw.normal(shape)];
  });
  return Object.fromEntries(values);
}

/** Each step's results are the next step's inputs. Asserts that the number of live values stays what it is. */
async function fiftySteps(backend: Backend, graph: Graph): Promise<HostValues> {
  const before = backend.liveValues;
  const executable = await backend.compile(graph);
  const held = new Map<string, Value>();
  for (const [name, value] of Object.entries(firstValues(graph))) held.set(name, upload(backend, value));
  for (let step = 0; step < 50; step++) {
    const outputs = await executable.run(held);
    for (const [name, value] of outputs) {
      const old = held.get(name);
      backend.release(old ?? value);
      if (old) held.set(name, value);
    }
    expect(backend.liveValues, `live values after step ${step + 1}`).toBe(before + held.size);
  }
  const values: Record<string, HostValue> = {};
  for (const [name, value] of held) {
    values[name] = await download(backend, value);
    backend.release(value);
  }
  await executable.dispose();
  expect(backend.liveValues, 'live values after all steps').toBe(before);
  return values;
}
