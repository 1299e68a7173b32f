import { describe, expect, test } from 'vitest';
import {
  batchNorm,
  constant,
  conv2d,
  createGenerator,
  createGraph,
  defineModel,
  dense,
  flatten,
  type Generator,
  gradients,
  input,
  ops,
  type Scope,
  scalar,
  sequential,
  simplify,
  type Tensor,
  trace,
} from '../src/index.js';
import { evaluate, inputSizes, numbers } from './evaluate.js';

const { add, broadcastTo, concat, div, exp, mul, neg, reshape, sub, sum, transpose } = ops;
const x = input('x', [4, 3]);
const row = input('row', [1, 3]);
const two = scalar(2);

/** Before and after: the names of the operations that compute something, and the largest relative difference of results. */
async function compare(outputs: Readonly<Record<string, Tensor>>) {
  const before = createGraph(outputs);
  const after = simplify(before);
  const sizes = [...before.outputs.values()].flatMap((y) => [...inputSizes(y)]);
  const data = Object.fromEntries(sizes.map(([name, size], i) => [name, numbers(size, i + 1)]));
  const [old, fresh] = [await evaluate(outputs, data), await evaluate(Object.fromEntries(after.outputs), data)];
  const differences = Object.entries(old).flatMap(([name, values]) => {
    const scale = Math.max(1e-3, ...values.map(Math.abs));
    return values.map((value, i) => Math.abs(value - fresh[name]![i]!) / scale);
  });
  const operations = after.nodes.map(({ op }) => op).filter((op) => op !== 'input' && op !== 'constant');
  return { after, operations: operations.join(' '), difference: Math.max(...differences) };
}

const rules: readonly [name: string, y: Tensor, operations: string][] = [
  ['arithmetic on numbers is done once', mul(x, div(neg(scalar(3)), add(two, 2))), 'mul'],
  ['a tensor of one number is that number', mul(broadcastTo(reshape(two, [1, 1]), [4, 3]), x), 'mul'],
  ['additions of 0 and multiplications by 1 go', add(0, sub(div(mul(1, mul(x, 1)), 1), 0)), ''],
  ['0 − x is −x', sub(0, x), 'neg'],
  ['1 · x repeats x where the 1 had the shape', mul(row, broadcastTo(scalar(1), [4, 3])), 'broadcastTo'],
  ['factors in a row meet', neg(mul(mul(neg(x), 3), 5)), 'mul'],
  ['x + x is a factor, and goes to the smaller operand', add(mul(row, x), mul(row, x)), 'mul mul'],
  ['factors leave sums', sum(mul(neg(x), 3), [0]), 'sum mul'],
  ['signs leave sums, sums of signs are differences', add(sum(neg(x), [1]), sum(exp(x), [1])), 'sum exp sum sub'],
  ['signs meet subtractions', sub(add(x, neg(row)), neg(exp(x))), 'sub exp add'],
  ['signs leave quotients and meet the next factor', mul(div(neg(x), exp(x)), 3), 'exp div mul'],
  ['the last of several reshapes counts', reshape(reshape(x, [12]), [2, 6]), 'reshape'],
  ['reshapes to and fro go', add(reshape(reshape(x, [12]), [4, 3]), 1), 'add'],
  ['two transpositions that undo each other go', add(transpose(transpose(x)), 1), 'add'],
  ['transpositions are one', transpose(transpose(input('z', [2, 3, 4]), [1, 2, 0]), [1, 2, 0]), 'transpose'],
  ['broadcasts are one', sum(broadcastTo(broadcastTo(row, [4, 3]), [2, 4, 3])), 'broadcastTo sum'],
  ['arithmetic broadcasts by itself', add(broadcastTo(row, [4, 3]), x), 'add'],
  ['elements are repeated after they are computed', sum(exp(broadcastTo(row, [4, 3]))), 'exp broadcastTo sum'],
  ['what is equal after that is computed once', concat([mul(mul(x, 2), 3), mul(x, 6)], 0), 'mul concat'],
];

describe('rules: the result stays, the graph shrinks', () => {
  test.each(rules)('%s', async (_, y, expected) => {
    const { operations, difference } = await compare({ y });
    expect(operations).toBe(expected);
    expect(difference).toBeLessThan(1e-14);
  });
});

/** An expression of shape [4, 3] made of what the rules look for. */
function expression(random: Generator, depth: number): Tensor {
  const pick = <T>(choices: readonly T[]) => choices[random.integer(choices.length)]!;
  if (depth === 0)
    return pick([x, broadcastTo(row, [4, 3]), input('column', [4, 1]), ops.fill([4, 3], pick([0, 1, -2]))]);
  const a = expression(random, depth - 1);
  const b = () => (random.integer(3) === 0 ? a : expression(random, depth - 1));
  const axes = pick([[0], [1], [0, 1]]);
  return pick([
    () => add(a, b()),
    () => sub(a, b()),
    () => mul(a, b()),
    () => mul(pick([-1, 0.5, 3]), a),
    () => neg(a),
    () => div(a, add(exp(b()), 1)),
    () => broadcastTo(sum(a, axes, { keepDims: true }), [4, 3]),
    () => sub(a, ops.mean(a, axes, { keepDims: true })),
    () => add(ops.sum(sub(a, ops.mean(a, axes, { keepDims: true })), axes, { keepDims: true }), a),
    () => transpose(transpose(a)),
    () => reshape(reshape(broadcastTo(a, [4, 3]), [2, 6]), [4, 3]),
  ])();
}

test('random expressions have the same results', async () => {
  let shrunk = 0;
  for (let seed = 0; seed < 150; seed++) {
    const outputs = { y: broadcastTo(expression(createGenerator(seed), 4), [4, 3]) };
    const { after, difference } = await compare(outputs);
    expect(difference, `expression ${seed}`).toBeLessThan(1e-11);
    if (after.nodes.length < createGraph(outputs).nodes.length) shrunk++;
  }
  expect(shrunk).toBeGreaterThan(100);
});

describe('what would change a result stays', () => {
  test.each<[string, Tensor, string]>([
    ['x · 0, which is NaN for an infinite x', mul(x, 0), 'mul'],
    ['x − x, which is NaN for an infinite x', sub(x, x), 'sub'],
    ['factors whose product float32 cannot hold', mul(mul(x, 1e-30), 1e-30), 'mul mul'],
    ['a small factor of a sum that would overflow without it', sum(mul(x, 1e-30)), 'mul sum'],
    ['a number that float32 cannot hold', mul(scalar(1e30), scalar(1e30)), 'mul'],
    ['integers, which are cut', mul(mul(input('n', [2], 'int32'), 2), 2), 'mul mul'],
    ['a constant of several values', mul(x, constant([1, 1, 2], [3])), 'mul'],
  ])('%s', async (_, y, expected) => {
    const after = simplify(createGraph({ y }));
    expect(after.nodes.map(({ op }) => op).filter((op) => op !== 'input' && op !== 'constant')).toEqual(
      expected.split(' '),
    );
  });
});

/** Batch normalization without a word of its gradient. */
const normalize = (y: Tensor, scope: Scope) => {
  const axes = y.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const centred = sub(y, ops.mean(y, axes, { keepDims: true }));
  const deviation = ops.sqrt(add(ops.mean(ops.square(centred), axes, { keepDims: true }), 1e-3));
  const shape = y.shape.map((n, axis) => (axis === 1 ? n! : 1));
  const gamma = scope.parameter('gamma', shape, (size) => new Float32Array(size.reduce((a, b) => a * b, 1)).fill(1));
  return mul(div(centred, deviation), gamma);
};

describe('a bias before batch normalization', () => {
  const stepOf = (normalization: () => ReturnType<typeof batchNorm>) => {
    const network = sequential({
      conv: conv2d(3, { kernelSize: 3, padding: 1 }),
      bn1: normalization(),
      flatten: flatten(),
      dense: dense(5),
      bn2: normalization(),
      out: dense(2),
    });
    const model = defineModel(network, { input: { shape: [null, 1, 4, 4], dtype: 'float32' } });
    const { parameters, output } = trace(model, input('features', [6, 1, 4, 4]), { training: true });
    const tensors = [...parameters].map(([path, { tensor }]) => [path, tensor] as const);
    const slopes = gradients(
      sum(mul(output, input('weights', [6, 2]))),
      tensors.map(([, tensor]) => tensor),
    );
    return Object.fromEntries(tensors.map(([path], i) => [path, slopes[i]!]));
  };

  test.each([
    ['as a layer', () => batchNorm()],
    ['from scratch, differentiated automatically', () => normalize],
  ])('%s has gradient zero, and no other gradient changes', async (_, normalization) => {
    const { after, difference } = await compare(stepOf(normalization));
    const isZero = ([, y]: [string, Tensor]) => y.op === 'broadcastTo' && y.inputs[0]!.op === 'constant';
    expect([...after.outputs].filter(isZero).map(([path]) => path)).toEqual(['conv.bias', 'dense.bias']);
    expect(difference).toBeLessThan(1e-12);
  });

  test('is summed after all where only the sum would show that something is not finite', () => {
    const centred = sub(x, ops.mean(x, [0], { keepDims: true }));
    const operations = (outputs: Record<string, Tensor>) => simplify(createGraph(outputs)).nodes.map(({ op }) => op);
    expect(operations({ y: sum(centred, [0]) }).filter((op) => op === 'sum')).toHaveLength(2);
    expect(operations({ y: sum(centred, [0]), z: centred }).filter((op) => op === 'sum')).toHaveLength(1);
    expect(operations({ y: sum(centred, [0]), z: ops.maximum(centred, 0) }).filter((op) => op === 'sum')).toHaveLength(
      2,
    );
  });

  test('is not zero when other axes are summed, or the mean is another one', async () => {
    const other = sub(x, ops.mean(x, [1], { keepDims: true }));
    const rough = sub(x, mul(sum(x, [0], { keepDims: true }), 0.24));
    const { operations } = await compare({ a: sum(other, [0]), b: sum(rough, [0]), c: other, d: rough });
    expect(operations.match(/sum/g)).toHaveLength(4);
  });
});
