// Seeded random cases, whose expected values come from the reference backend in float64.

import { type ConvolutionGeometry, createGenerator, ops, type PoolingGeometry, type Tensor } from '@bn/core';
import { Draw } from './draw.js';
import type { HostValue } from './host-value.js';
import type { Computation } from './suite.js';

type Family = Computation['family'];
type Drawn = readonly [family: Family, inputs: readonly HostValue[], build: Computation['build'], detail: string];

/** All random cases. A case depends on the name of its kind and its number alone. */
export function randomCases(): Computation[] {
  return Object.entries(kinds).flatMap(([kind, { count, draw }]) =>
    Array.from({ length: count }, (_, i) => {
      const stream = [...kind].map((letter) => letter.charCodeAt(0));
      const [family, inputs, build, detail] = draw(new Draw(createGenerator(7, ...stream, i)), i);
      return { name: `${kind}: random ${i + 1}, ${detail}`, family, inputs, build };
    }),
  );
}

const binary = { add: ops.add, sub: ops.sub, mul: ops.mul, div: ops.div, maximum: ops.maximum, minimum: ops.minimum };
const unary = { neg: ops.neg, exp: ops.exp, tanh: ops.tanh, sigmoid: ops.sigmoid, erf: ops.erf };
const unaryOfPositive = { log: ops.log, sqrt: ops.sqrt };

type Kind = { readonly count: number; readonly draw: (draw: Draw, i: number) => Drawn };

/** One kind per operation of a table. */
function kindsOf<Op>(table: Readonly<Record<string, Op>>, count: number, drawOf: (op: Op) => Kind['draw']) {
  return Object.fromEntries(
    Object.entries(table).map(([name, op]): [string, Kind] => [name, { count, draw: drawOf(op) }]),
  );
}

const kinds: Readonly<Record<string, Kind>> = {
  ...kindsOf(binary, 6, (op) => (draw, i) => drawBinary(draw, i, op)),
  ...kindsOf(unary, 3, (op) => (draw, i) => drawUnary(draw, i, 'normal', op)),
  ...kindsOf(unaryOfPositive, 3, (op) => (draw, i) => drawUnary(draw, i, 'positive', op)),
  less: { count: 3, draw: (draw, i) => drawBinary(draw, i, (a, b) => ops.cast(ops.less(a, b), 'int32')) },
  where: {
    count: 4,
    draw: (draw) => {
      const shape = draw.shape(draw.integer(1, 4));
      const inputs = [draw.normal(draw.narrowed(shape)), draw.normal(draw.narrowed(shape)), draw.normal(shape)];
      return ['exact', inputs, (a, b, c) => ops.where(ops.less(a, 0), b, c), text(inputs)];
    },
  },
  sum: { count: 12, draw: (draw, i) => drawReduction(draw, i, 'reduction', ops.sum) },
  max: { count: 8, draw: (draw, i) => drawReduction(draw, i, 'exact', ops.max) },
  variance: { count: 4, draw: (draw, i) => drawReduction(draw, i, 'reduction', ops.variance) },
  argmax: {
    count: 6,
    draw: (draw) => {
      const x = draw.normal(draw.shape(draw.integer(1, 4), 7));
      const axis = draw.integer(0, x.shape.length - 1);
      return ['exact', [x], (a) => ops.argmax(a, axis), `${text([x])} axis ${axis}`];
    },
  },
  transpose: {
    count: 8,
    draw: (draw) => {
      const x = draw.normal(draw.shape(draw.integer(2, 5)));
      const order = draw.permutation(x.shape.length);
      return ['exact', [x], (a) => ops.transpose(a, order), `${text([x])} to [${order}]`];
    },
  },
  broadcastTo: {
    count: 5,
    draw: (draw) => {
      const shape = draw.shape(draw.integer(1, 4));
      const x = draw.normal(draw.narrowed(shape));
      return ['exact', [x], (a) => ops.broadcastTo(a, shape), `${text([x])} to [${shape}]`];
    },
  },
  pad: {
    count: 4,
    draw: (draw) => {
      const x = draw.normal(draw.shape(draw.integer(1, 4)));
      const [before, after] = [x.shape.map(() => draw.integer(0, 2)), x.shape.map(() => draw.integer(0, 2))];
      return ['exact', [x], (a) => ops.pad(a, before, after, 0.5), `${text([x])} by [${before}] and [${after}]`];
    },
  },
  slice: {
    count: 5,
    draw: (draw) => {
      const x = draw.normal(draw.shape(draw.integer(1, 4), 6));
      const start = x.shape.map((n) => draw.integer(0, n - 1));
      const end = x.shape.map((n, i) => draw.integer(start[i] + 1, n));
      return ['exact', [x], (a) => ops.slice(a, start, end), `${text([x])} from [${start}] to [${end}]`];
    },
  },
  concat: {
    count: 5,
    draw: (draw) => {
      const shape = draw.shape(draw.integer(1, 4));
      const axis = draw.integer(0, shape.length - 1);
      const inputs = Array.from({ length: draw.integer(2, 4) }, () =>
        draw.normal(shape.map((n, i) => (i === axis ? draw.integer(1, 4) : n))),
      );
      return ['exact', inputs, (...parts) => ops.concat(parts, axis), `${text(inputs)} axis ${axis}`];
    },
  },
  gather: {
    count: 4,
    draw: (draw) => {
      const x = draw.normal(draw.shape(draw.integer(1, 3)));
      const axis = draw.integer(0, x.shape.length - 1);
      const indices = draw.indices(draw.shape(draw.integer(0, 2)), x.shape[axis]);
      return ['exact', [x, indices], (a, i) => ops.gather(a, i, axis), `${text([x, indices])} axis ${axis}`];
    },
  },
  matmul: { count: 14, draw: drawMatmul },
  conv2d: { count: 12, draw: (draw, i) => drawConvolution(draw, i, 'conv2d') },
  conv2dInputGradient: { count: 12, draw: (draw, i) => drawConvolution(draw, i, 'conv2dInputGradient') },
  conv2dFilterGradient: { count: 12, draw: (draw, i) => drawConvolution(draw, i, 'conv2dFilterGradient') },
  avgPool2d: { count: 8, draw: (draw, i) => drawAveragePooling(draw, i, false) },
  avgPool2dGradient: { count: 8, draw: (draw, i) => drawAveragePooling(draw, i, true) },
  maxPool2d: { count: 8, draw: (draw) => drawMaxPooling(draw, false) },
  maxPool2dGradient: { count: 8, draw: (draw) => drawMaxPooling(draw, true) },
  batchNormalize: { count: 5, draw: drawBatchNormalize },
  softmax: { count: 4, draw: (draw) => drawSoftmax(draw, ops.softmax) },
  logSoftmax: { count: 4, draw: (draw) => drawSoftmax(draw, ops.logSoftmax) },
  expression: { count: 16, draw: drawExpression },
};

/** Mostly small; every third larger, with sizes that no vector width or number of threads divides. */
function drawShape(draw: Draw, i: number, largestRank: number): number[] {
  return i % 3 === 2
    ? [draw.integer(9, 37), draw.integer(9, 37), draw.integer(9, 37)]
    : draw.shape(draw.integer(1, largestRank), 6);
}

function drawBinary(draw: Draw, i: number, op: (a: Tensor, b: Tensor) => Tensor): Drawn {
  const shape = drawShape(draw, i, 4);
  const [a, b] = draw.integer(0, 1) === 0 ? [shape, draw.narrowed(shape)] : [draw.narrowed(shape), shape];
  const inputs = [draw.normal(a), draw.positive(b)];
  return ['arithmetic', inputs, (x, y) => op(x, y), text(inputs)];
}

function drawUnary(draw: Draw, i: number, domain: 'normal' | 'positive', op: (x: Tensor) => Tensor): Drawn {
  const x = draw[domain](drawShape(draw, i, 4));
  return ['transcendental', [x], (a) => op(a), text([x])];
}

type Reduce = (x: Tensor, axes: readonly number[], options: { keepDims: boolean }) => Tensor;

function drawReduction(draw: Draw, i: number, family: Family, op: Reduce): Drawn {
  // Not around zero, where a sum would be small beside its terms.
  const x = draw.positive(drawShape(draw, i, 5));
  const axes = draw.axes(x.shape.length);
  const keepDims = draw.integer(0, 1) === 1;
  return [family, [x], (a) => op(a, axes, { keepDims }), `${text([x])} axes [${axes}]${keepDims ? ' kept' : ''}`];
}

function drawMatmul(draw: Draw, i: number): Drawn {
  const [m, k, n] = i % 4 === 3 ? [draw.integer(17, 40), draw.integer(17, 70), draw.integer(17, 40)] : draw.shape(3, 9);
  const [transposeA, transposeB] = [draw.integer(0, 1) === 1, draw.integer(0, 1) === 1];
  const leading = draw.shape(draw.integer(0, 2), 3);
  const inputs = [
    draw.normal([...leading, ...(transposeA ? [k, m] : [m, k])]),
    draw.normal([...leading, ...(transposeB ? [n, k] : [k, n])]),
  ];
  const detail = `${text(inputs)}${transposeA ? ' first transposed' : ''}${transposeB ? ' second transposed' : ''}`;
  return ['product', inputs, (a, b) => ops.matmul(a, b, { transposeA, transposeB }), detail];
}

function drawConvolution(draw: Draw, i: number, op: 'conv2d' | 'conv2dInputGradient' | 'conv2dFilterGradient'): Drawn {
  const groups = i % 3 === 0 ? draw.integer(2, 3) : 1;
  const [inGroup, outGroup] = [draw.integer(1, 4), draw.integer(1, 4)];
  const { x, geometry: window } = draw.window(groups * inGroup);
  const { kernelSize, ...rest } = window;
  const geometry: ConvolutionGeometry = { ...rest, groups };
  const filter = [groups * outGroup, inGroup, ...kernelSize];
  const y = [x[0], filter[0], ...windowsOf(x, window)];
  const detail = `x [${x}] filter [${filter}] ${describeWindow(rest)} groups ${groups}`;
  if (op === 'conv2d') {
    return ['product', [draw.normal(x), draw.normal(filter)], (a, w) => ops.conv2d(a, w, geometry), detail];
  }
  if (op === 'conv2dInputGradient') {
    const attributes = { ...geometry, inputSize: [x[2], x[3]] as const };
    const inputs = [draw.normal(y), draw.normal(filter)];
    return ['product', inputs, (dy, w) => ops.conv2dInputGradient(dy, w, attributes), detail];
  }
  const inputs = [draw.normal(x), draw.normal(y)];
  return ['product', inputs, (a, dy) => ops.conv2dFilterGradient(a, dy, { ...geometry, kernelSize }), detail];
}

function drawAveragePooling(draw: Draw, i: number, gradient: boolean): Drawn {
  const { x, geometry: window } = draw.window(draw.integer(1, 4));
  const geometry = { ...window, countIncludesPadding: i % 2 === 0 };
  const counting = geometry.countIncludesPadding ? ' padding counts' : '';
  const detail = `[${x}] kernel ${window.kernelSize} ${describeWindow(window)}${counting}`;
  if (!gradient) return ['reduction', [draw.normal(x)], (a) => ops.avgPool2d(a, geometry), detail];
  const y = [x[0], x[1], ...windowsOf(x, window)];
  const inputSize = [x[2], x[3]] as const;
  return ['reduction', [draw.normal(y)], (dy) => ops.avgPool2dGradient(dy, { ...geometry, inputSize }), detail];
}

function drawMaxPooling(draw: Draw, gradient: boolean): Drawn {
  const { x, geometry } = draw.window(draw.integer(1, 4));
  const detail = `[${x}] kernel ${geometry.kernelSize} ${describeWindow(geometry)}`;
  if (!gradient) return ['exact', [draw.normal(x)], (a) => ops.maxPool2d(a, geometry), detail];
  const y = [x[0], x[1], ...windowsOf(x, geometry)];
  const inputs = [draw.normal(x), draw.normal(y)];
  return ['arithmetic', inputs, (a, dy) => ops.maxPool2dGradient(a, dy, geometry), detail];
}

function drawBatchNormalize(draw: Draw): Drawn {
  const x = draw.normal(draw.shape(draw.integer(2, 4), 6));
  const axis = draw.integer(0, x.shape.length - 1);
  const channels = [x.shape[axis]];
  const inputs = [x, draw.normal(channels), draw.positive(channels), draw.normal(channels), draw.normal(channels)];
  return [
    'composition',
    inputs,
    (a, mean, variance, gamma, beta) => ops.batchNormalize(a, mean, variance, gamma, beta, { axis, epsilon: 1e-3 }),
    `${text([x])} axis ${axis}`,
  ];
}

function drawSoftmax(draw: Draw, op: (x: Tensor, axis: number) => Tensor): Drawn {
  const x = draw.normal(draw.shape(draw.integer(1, 4), 7));
  const axis = draw.integer(0, x.shape.length - 1);
  return ['transcendental', [x], (a) => op(a, axis), `${text([x])} axis ${axis}`];
}

/** A dozen operations on each other's results: what a backend that fuses them could get wrong. */
function drawExpression(draw: Draw): Drawn {
  const shape = draw.shape(draw.integer(2, 4), 6);
  const inputs = [draw.normal(shape), draw.normal(draw.narrowed(shape)), draw.normal(draw.narrowed(shape))];
  const plan = Array.from({ length: 12 }, () => ({
    op: draw.pick(['add', 'sub', 'mul', 'maximum', 'tanh', 'sigmoid', 'exp', 'centre', 'choose', 'double'] as const),
    a: draw.integer(0, 1 << 20),
    b: draw.integer(0, 1 << 20),
    axes: draw.axes(shape.length),
  }));
  const build = (...tensors: Tensor[]) => {
    const made = [...tensors];
    for (const { op, a: i, b: j, axes } of plan) {
      // Everything stays within −1 … 1. Conditions look at an input: rounding could tip one on a result.
      const [a, b] = [made[made.length - 1 - (i % Math.min(3, made.length))], made[j % made.length]];
      if (op === 'tanh' || op === 'sigmoid') made.push(ops[op](a));
      else if (op === 'exp') made.push(ops.sub(ops.exp(ops.neg(ops.square(a))), 0.5));
      else if (op === 'centre')
        made.push(ops.tanh(ops.sub(a, ops.mean(ops.broadcastTo(a, shape), axes, { keepDims: true }))));
      else if (op === 'choose') made.push(ops.where(ops.less(tensors[0], 0), a, b));
      else if (op === 'double') made.push(ops.tanh(ops.add(a, a)));
      else made.push(ops.tanh(ops[op](a, b)));
    }
    return ops.add(ops.broadcastTo(made.at(-1)!, shape), ops.sum(ops.mul(made.at(-2)!, made.at(-3)!)));
  };
  return ['composition', inputs, build, `${text(inputs)} ${plan.map(({ op }) => op).join(' ')}`];
}

/** How many windows there are, along height and width. */
function windowsOf([, , height, width]: readonly number[], geometry: PoolingGeometry): readonly number[] {
  return ops.windows('random case', [height, width], geometry.kernelSize, geometry);
}

function describeWindow({ stride, padding, dilation }: Omit<PoolingGeometry, 'kernelSize'>): string {
  return `stride ${stride} padding ${padding} dilation ${dilation}`;
}

function text(inputs: readonly HostValue[]): string {
  return inputs.map(({ shape }) => `[${shape}]`).join(' ');
}
