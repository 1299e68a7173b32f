// Every operation of core has its cases: a new one without them fails here.

import { fused, primitives } from '@bn/core';
import { expect, test } from 'vitest';
import { gradientCases } from '../src/gradient-cases.js';
import { allLiteralCases } from '../src/literal-cases.js';
import { randomCases } from '../src/random-cases.js';
import { graphOf } from '../src/run-graph.js';

const operations = [...Object.keys(primitives), ...Object.keys(fused)];
const operationOf = (name: string) => name.split(':')[0];

test.each(operations)('%s has literal cases that contain it', (operation) => {
  const cases = allLiteralCases.filter(({ name }) => operationOf(name) === operation);
  expect(cases.length).toBeGreaterThan(0);
  for (const { name, inputs, build } of cases) {
    const nodes = graphOf(inputs, build).nodes.map(({ op }) => op as string);
    expect(nodes, name).toContain(operation);
  }
});

test.each(Object.entries(primitives).filter(([, { gradient }]) => gradient))('%s has gradient cases', (operation) => {
  // The gradient of maxPool2dGradient is an error that says so.
  if (operation === 'maxPool2dGradient') return;
  expect(gradientCases.map(({ name }) => operationOf(name))).toContain(operation);
});

test('every case has a name of its own', () => {
  const names = [...allLiteralCases, ...randomCases(), ...gradientCases].map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

test('random cases are the same every time', () => {
  const summary = () => randomCases().map(({ name, inputs }) => [name, ...inputs.map(({ data }) => data[0])]);
  expect(summary()).toEqual(summary());
});
