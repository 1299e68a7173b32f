// Training steps one after another: they repeat to the bit and leave nothing behind.

import {
  type Backend,
  batchNorm,
  classification,
  createGenerator,
  createGraph,
  defineModel,
  dense,
  dropout,
  type Graph,
  input,
  joinArrays,
  ops,
  type Steps,
  sequential,
  sgd,
  sigmoid,
  trainingStepGraph,
  type Value,
} from '@bn/core';
import { expect } from 'vitest';
import { Draw } from './draw.js';
import { expectClose, expectIdentical } from './expect-close.js';
import { float32, type HostValue, type HostValues, hostValue } from './host-value.js';
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

  suite.methodTest('several steps: give what single steps give, to the bit on the CPU', 'compileSteps', () =>
    testSeveralSteps(suite),
  );

  suite.methodTest('several steps: refuse what does not fit', 'compileSteps', async () => {
    const graph = createGraph({ next: ops.add(input('x', [2]), input('y', [2])), sum: ops.sum(input('x', [2])) });
    const refused = (steps: Steps) =>
      expect(suite.backend.compileSteps!(graph, steps)).rejects.toMatchObject({ name: 'BnError', code: 'argument' });
    await refused({ count: 0, carried: {}, stacked: ['y'] });
    await refused({ count: 2, carried: { next: 'z' }, stacked: ['y'] });
    await refused({ count: 2, carried: { sum: 'x' }, stacked: ['y'] });
    await refused({ count: 2, carried: { next: 'y' }, stacked: ['y'] });
    const executable = await suite.backend.compileSteps!(graph, { count: 2, carried: { next: 'x' }, stacked: ['y'] });
    const single = { x: float32([1, 2]), y: float32([1, 2]) };
    await expect(runOnce(suite.backend, executable, single)).rejects.toMatchObject({ code: 'shape' });
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
    classification(),
    sgd({ momentum: 0.9 }),
    { features: { shape: [6, 5], dtype: 'float32' }, labels: { shape: [6], dtype: 'int32' } },
  );
}

/** Four steps at once, and four one after another: the same state at the end, the same losses. */
async function testSeveralSteps(suite: Suite): Promise<void> {
  const { backend, precision } = suite;
  const graph = stepGraph();
  const count = 4;
  const paths = [...graph.outputs.keys()].filter((name) => graph.inputs.has(name));
  const stacked = ['features', 'labels', ...[...graph.inputs.keys()].filter((name) => name.startsWith('random.'))];
  // The first run's numbers in another order for each step.
  const first = firstValues(graph);
  const inputsOf = (step: number) => ({
    ...first,
    ...Object.fromEntries(stacked.map((name) => [name, rotated(first[name], step)])),
  });
  const single = await backend.compile(graph);
  const results: HostValues[] = [];
  let state: HostValues = {};
  for (let step = 0; step < count; step++) {
    results.push(await runOnce(backend, single, { ...inputsOf(step), ...state }, precision));
    state = Object.fromEntries(paths.map((path) => [path, results[step][path]]));
  }
  await single.dispose();

  const steps = { count, carried: Object.fromEntries(paths.map((path) => [path, path])), stacked };
  const several = await backend.compileSteps!(graph, steps);
  const all = Array.from({ length: count }, (_, step) => inputsOf(step));
  const inputs = Object.fromEntries(stacked.map((name) => [name, stack(all.map((values) => values[name]))]));
  const outputs = await runOnce(backend, several, { ...first, ...inputs }, precision);
  await several.dispose();
  for (const name of graph.outputs.keys()) {
    const expected = paths.includes(name) ? state[name] : stack(results.map((values) => values[name]));
    if (backend.device.kind === 'cpu') expectIdentical(outputs[name], expected);
    else expectClose(outputs[name], expected, suite.tolerance('composition'));
  }
}

function rotated({ data, shape, dtype }: HostValue, by: number): HostValue {
  return { data: data.map((_, i) => data[(i + by) % data.length]), shape, dtype };
}

function stack(values: readonly HostValue[]): HostValue {
  const { shape, dtype } = values[0];
  return { data: joinArrays(values.map(({ data }) => data)), shape: [values.length, ...shape], dtype };
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
