import { expect, test } from 'vitest';
import { createGraph, input, ops } from '../src/index.js';
import { packState } from '../src/pack-state.js';
import { evaluate } from './evaluate.js';

const [w, b, x] = [input('w', [2, 2]), input('b', [2]), input('x', [2, 2])];
const graph = createGraph({ w: ops.add(w, x), loss: ops.sum(ops.mul(ops.add(w, b), x)) });

test('what is packed goes in and out as one vector, with the same results; what is no output is handed on', async () => {
  const { graph: packed, values, size } = packState(graph, ['w', 'b']);
  expect(size).toBe(6);
  expect(values).toEqual([
    { path: 'w', shape: [2, 2], start: 0, end: 4 },
    { path: 'b', shape: [2], start: 4, end: 6 },
  ]);
  expect([...packed.inputs.keys()].sort()).toEqual(['packed state', 'x']);
  const data = { w: [1, 2, 3, 4], b: [5, 6], x: [1, -1, 2, 0.5] };
  const plain = await evaluate(Object.fromEntries(graph.outputs), data);
  const state = [...data.w, ...data.b];
  const results = await evaluate(Object.fromEntries(packed.outputs), { 'packed state': state, x: data.x });
  expect(results).toEqual({ 'packed state': [...plain.w!, ...data.b], loss: plain.loss });
});

test('what is no float32 input cannot be packed, and the vector needs its name', () => {
  expect(() => packState(graph, ['v'])).toThrow(/'v' is not an input/);
  expect(() => packState(createGraph({ y: input('n', [1], 'int32') }), ['n'])).toThrow(/'n' is int32 \[1\]/);
  expect(() => packState(createGraph({ 'packed state': w }), ['w'])).toThrow(/has a 'packed state' already/);
});
