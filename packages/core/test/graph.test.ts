import { describe, expect, test } from 'vitest';
import {
  constant,
  createGraph,
  decomposeFused,
  gradients,
  input,
  operandsFirst,
  ops,
  printGraph,
  scalar,
  type Tensor,
} from '../src/index.js';
import { simplify } from '../src/simplify/simplify.js';
import { evaluate } from './evaluate.js';

const { add, mul, relu, sigmoid, softmax, sub, sum } = ops;
const x = input('x', [2, 3]);

test('graphs of any depth are built, rewritten and differentiated', () => {
  let y: Tensor = x;
  for (let i = 0; i < 15_000; i++) y = i % 2 === 0 ? sigmoid(y) : mul(y, add(y, 1));
  const [dx] = gradients(sum(y), [x]);
  const graph = simplify(decomposeFused(createGraph({ y, dx: dx! })));
  expect(graph.nodes.length).toBeGreaterThan(50_000);
  expect(operandsFirst(y).at(-1)).toBe(y);
});

describe('createGraph', () => {
  test('merges equal computations and leaves out what no output needs', () => {
    const unused = mul(x, 7);
    const graph = createGraph({ y: add(mul(x, 2), mul(x, 2)) });
    expect(unused.op).toBe('mul');
    expect(graph.nodes.map((node) => node.op)).toEqual(['input', 'constant', 'mul', 'add']);
  });

  test('keeps apart constants that differ in a sign of zero, in dtype, or beyond the first values', () => {
    const long = (last: number) => constant([...new Array(99).fill(0), last], [100]);
    const graph = createGraph({
      a: scalar(0),
      b: scalar(-0),
      c: scalar(0, 'int32'),
      d: long(1),
      e: long(2),
      f: scalar(0),
    });
    expect(graph.nodes).toHaveLength(5);
    expect(graph.outputs.get('f')).toBe(graph.outputs.get('a'));
  });

  test('refuses two inputs of one name with different specs, and merges equal ones', () => {
    expect(() => createGraph({ y: sum(x), z: input('x', [4]) })).toThrow(/two graph inputs are named 'x'/);
    expect(createGraph({ y: add(x, input('x', [2, 3])) }).inputs.size).toBe(1);
  });

  test('lists inputs before their users, once each', () => {
    const y = sigmoid(x);
    const { nodes } = createGraph({ y: mul(y, sub(1, y)) });
    nodes.forEach((node, i) => {
      for (const operand of node.inputs) expect(nodes.indexOf(operand)).toBeLessThan(i);
    });
    expect(new Set(nodes).size).toBe(nodes.length);
  });
});

test('printGraph shows a node a line with attributes, spec and origin', () => {
  expect(printGraph(createGraph({ y: mul(sum(x, [1]), 0.5) }))).toBe(
    [
      '%0 = input() {name: "x"} : float32 [2, 3]',
      '%1 = sum(%0) {axes: [1], keepDims: false} : float32 [2]  # forward',
      '%2 = constant() {0.5} : float32 []',
      '%3 = mul(%1, %2) : float32 [2]  # forward',
      'output y = %3',
      '',
    ].join('\n'),
  );
});

test('decomposeFused leaves only the fused operations that the backend names, and computes the same', async () => {
  const graph = createGraph({ y: softmax(relu(x)) });
  const lowered = decomposeFused(graph, ['relu']);
  expect(lowered.nodes.map((node) => node.op)).not.toContain('softmax');
  expect(lowered.nodes.map((node) => node.op)).toContain('relu');
  const { y } = await evaluate({ y: lowered.outputs.get('y')! }, { x: [1, 2, 3, -1, 0, 1] });
  expect(y![0]).toBeCloseTo(Math.exp(1) / (Math.exp(1) + Math.exp(2) + Math.exp(3)), 12);
});

test('a custom gradient is forgotten when the graph is built, so its node merges with an equal one', () => {
  const y = ops.customGradient(
    [x],
    (x) => sigmoid(x),
    (dy) => [dy],
  );
  const graph = createGraph({ y, z: sigmoid(x) });
  expect(graph.nodes.map((node) => node.op)).toEqual(['input', 'sigmoid']);
  expect(gradients(sum(y), [x])[0]!.op).toBe('broadcastTo');
});
