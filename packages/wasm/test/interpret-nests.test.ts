// Plans, interpreted: what is wrong here is wrong before anything is emitted.

import { createGraph, gradients, input, ops } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { describe, expect, test } from 'vitest';
import { allPasses, type Passes, passesOf, planGraph } from '../src/pipeline.js';
import { lifeOf, planMemory } from '../src/plan/memory-plan.js';
import type { Step } from '../src/plan/steps.js';
import { interpret } from './interpret-nests.js';
import { batches, type Case, filled, randomGraph, randomPrediction, randomTraining } from './random-graphs.js';
import { runCase } from './run-case.js';

async function expectEqual(made: Case, ...without: (keyof Passes)[]): Promise<void> {
  const results = await runCase(await createReference({ precision: 64 }), made);
  for (const left of [null, ...without]) {
    const passes: Passes = { ...allPasses, ...(left && { [left]: false }) };
    const plan = planGraph(made.graph, 1, passes);
    const actual = interpret(plan, planMemory(plan.steps, passesOf('memory', passes)[0]), made.inputs, passes);
    for (const [name, values] of results) {
      const scale = Array.from(values).reduce((largest, v) => Math.max(largest, Math.abs(v)), 1e-3);
      // Tables of the plan are in float32.
      const wrong = values.findIndex((v, i) => !(Math.abs(actual.get(name)![i] - v) <= 1e-6 * scale));
      expect(wrong, `${name} without ${left}: ${actual.get(name)![wrong]} for ${values[wrong]}`).toBe(-1);
    }
  }
}

/** So few that all iterations are soon interpreted. */
const few = batches.filter((n) => n < 6);
const names = Object.keys(allPasses) as (keyof Passes)[];
const cases = names.map((name, i) => [300 + i, name] as const);

describe('steps give the numbers of the reference, at the places planned for them', () => {
  test.each(cases)('random graph %i, also without %s', (seed, without) => expectEqual(randomGraph(seed, few), without));
  test.each(cases)('prediction of random network %i, also without %s', (seed, without) =>
    expectEqual(randomPrediction(seed), without),
  );
  test.each(cases)('training step of random network %i, also without %s', (seed, without) =>
    expectEqual(randomTraining(seed, few), without),
  );
});

/** Large enough for several threads. */
const x = input('x', [1, 1, 90, 95]);

test.each(['maxPool2d', 'avgPool2d'] as const)(
  'windows that overlap never add to one place from two threads: %s',
  (op) => {
    const geometry = { kernelSize: [3, 3], stride: [1, 1], dilation: [1, 1], padding: [1, 0, 0, 1] } as const;
    const y = ops[op](x, { ...geometry, countIncludesPadding: false });
    return expectEqual(filled(createGraph({ dx: gradients(ops.sum(ops.mul(y, y)), [x])[0] })));
  },
);

test('long sums over groups come to the same in blocks', async () => {
  const [images, slopes] = [ops.tanh(input('images', [330, 2, 6, 6])), ops.tanh(input('slopes', [330, 3, 6, 6]))];
  const geometry = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1, kernelSize: [1, 1] } as const;
  const dw = ops.conv2dFilterGradient(images, slopes, geometry);
  const other = ops.conv2dFilterGradient(ops.mul(images, images), slopes, geometry);
  const made = filled(createGraph({ dw, next: ops.sub(1, ops.mul(other, 0.1)) }));
  // Without parts for chunks of groups, which so few results would have.
  const plan = planGraph(made.graph, 1, { ...allPasses, parts: false });
  expect(plan.steps.flatMap(({ nests }) => nests).filter(({ name }) => / (blocks|rest)$/.test(name)).length).toBe(4);
  await expectEqual(made, 'parts');
});

test('axes without elements are summed to 0, padded and multiplied, and nothing is read or written there', () => {
  const [none, b] = [input('none', [0, 3]), input('b', [3, 0])];
  const sums = { all: ops.sum(none), columns: ops.exp(ops.sum(none, [0])), products: ops.matmul(b, none) };
  const moved = { padded: ops.pad(b, [0, 1], [0, 1], 5), joined: ops.concat([none, input('c', [2, 3])], 0) };
  return expectEqual(filled(createGraph({ ...sums, ...moved, doubled: ops.mul(none, 2) })));
});

test('rows that are picked from all groups wait for all of them', () => {
  // As an output it is row-major, so that nothing but the step keeps a group from reading the rows of another.
  const rows = ops.exp(input('rows', [64, 8]));
  return expectEqual(filled(createGraph({ rows, picked: ops.gather(rows, ops.argmax(rows, 1)) })));
});

describe('the interpreter sees', () => {
  const passes = { ...allPasses, lanes: false };
  const [a, b] = [input('a', [50, 60]), input('b', [60, 50])];
  const made = filled(createGraph({ y: ops.matmul(ops.matmul(ops.matmul(a, b), a), b) }));
  const plan = planGraph(made.graph, 1, passes);
  const memory = planMemory(plan.steps, lifeOf);
  const run = (steps: readonly Step[], places = memory) => interpret({ ...plan, steps }, places, made.inputs, passes);

  test('steps that do not wait for each other', () => {
    const [{ domain }] = plan.steps;
    expect(plan.steps.length).toBeGreaterThan(2);
    expect(() => run([{ domain, nests: plan.steps.flatMap(({ nests }) => nests) }])).toThrow(
      'two tasks of step 0 meet',
    );
  });

  test('memory that is used again too early', () => {
    const fixed = new Map([...memory.fixed.keys()].map((buffer) => [buffer, 0]));
    expect(fixed.size).toBeGreaterThan(1);
    expect(() => run(plan.steps, { ...memory, fixed })).toThrow('or no more');
  });

  test('what is read before it is written', () => {
    expect(() => run([...plan.steps].reverse())).toThrow('where it is not');
  });
});
