// Random graphs and networks for comparisons with the reference backend.

import {
  avgPool2d,
  batchNorm,
  classification,
  constant,
  conv2d,
  createGenerator,
  createGraph,
  defineModel,
  dense,
  flatten,
  type Generator,
  type Graph,
  gradients,
  input,
  type Layer,
  maxPool2d,
  ops,
  sequential,
  sgd,
  sigmoid,
  sizeOf,
  type Tensor,
  type TypedArray,
  tanh,
  trainingStepGraph,
} from '@bn/core';

export interface Case {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, TypedArray>;
}

class Draw {
  readonly random: Generator;

  constructor(...seed: number[]) {
    this.random = createGenerator(3, ...seed);
  }

  integer(low: number, high: number): number {
    return low + this.random.integer(high - low + 1);
  }
  pick<T>(choices: readonly T[]): T {
    return choices[this.random.integer(choices.length)];
  }
  chance(): boolean {
    return this.random.integer(2) === 1;
  }
}

/** Batch sizes around multiples of four, and around what is handed out to threads at a time. */
export const batches = [1, 2, 3, 4, 5, 7, 8, 13, 33, 64, 130, 258];

/** A graph of movements, reductions, products and elementwise operations over a few shapes with the batch in any place. */
export function randomGraph(seed: number, sizes = batches): Case {
  const draw = new Draw(1, seed);
  const [batch, a, b] = [draw.pick(sizes), draw.integer(1, 7), draw.integer(2, 9)];
  const shape = draw.pick([
    [batch, a, b],
    [a, batch, b],
    [a, b, batch],
    [batch, b],
  ]);
  let made: Tensor[] = [input('x', shape), input('y', shape), input('row', shape.slice(-1))];
  const steps = draw.integer(4, 12);
  for (let i = 0; i < steps; i++) {
    const x = draw.pick(made);
    made = [...made, bounded(randomOperation(draw, x, made))];
  }
  const outputs = Object.fromEntries(made.slice(-3).map((tensor, i) => [`out${i}`, tensor]));
  if (draw.chance()) {
    const last = made.at(-1)!;
    const loss = ops.sum(ops.mul(last, ops.add(last, 0.1)));
    Object.assign(outputs, { slope: gradients(loss, [made[0]])[0] });
  }
  return filled(createGraph(outputs), draw);
}

function bounded(x: Tensor): Tensor {
  return x.dtype === 'float32' ? ops.tanh(x) : x;
}

function randomOperation(draw: Draw, x: Tensor, made: readonly Tensor[]): Tensor {
  const shape = x.shape as number[];
  const rank = shape.length;
  const axis = draw.integer(0, Math.max(0, rank - 1));
  const alike = made.filter((y) => y.shape.join() === shape.join());
  const twin = draw.pick(alike);
  switch (rank === 0 ? 'double' : draw.pick(operations)) {
    case 'binary':
      return draw.pick([ops.add, ops.sub, ops.mul, ops.maximum, ops.minimum])(x, twin);
    case 'unary':
      return draw.pick([ops.exp, ops.sigmoid, ops.neg, ops.erf, (y: Tensor) => ops.sqrt(ops.add(ops.square(y), 0.5))])(
        x,
      );
    case 'reduce': {
      const axes = shape.map((_, i) => i).filter(() => draw.chance());
      const mean = ops.mean(x, axes.length > 0 ? axes : [axis], { keepDims: true });
      return draw.chance() ? ops.sub(x, mean) : ops.add(ops.mul(x, mean), ops.max(x, [axis], { keepDims: true }));
    }
    case 'variance':
      return ops.div(
        ops.sub(x, ops.mean(x, [axis], { keepDims: true })),
        ops.add(ops.variance(x, [axis], { keepDims: true }), 1),
      );
    case 'squeeze':
      return rank > 1 ? ops.sum(x, [axis]) : ops.mul(x, 0.5);
    case 'argmax':
      return ops.mul(ops.cast(ops.argmax(made[0]), 'float32'), 0.1);
    case 'transpose':
      return ops.transpose(
        x,
        [...shape.keys()].sort(() => (draw.chance() ? 1 : -1)),
      );
    case 'reshape':
      return draw.chance() ? ops.reshape(x, [-1]) : ops.reshape(x, [...shape.slice(0, axis), 1, ...shape.slice(axis)]);
    case 'slice': {
      const start = shape.map((n) => draw.integer(0, Math.min(2, n - 1)));
      return ops.slice(
        x,
        start,
        shape.map((n, i) => draw.integer(start[i] + 1, n)),
      );
    }
    case 'pad': {
      const amounts = () => shape.map((_, i) => (i === axis ? draw.integer(0, 3) : 0));
      return ops.pad(x, amounts(), amounts(), 0.25);
    }
    case 'concat':
      return ops.concat([x, twin, x], axis);
    case 'gather': {
      const size = shape[axis];
      const picks = ops.cast(ops.mul(ops.sigmoid(ops.slice(ops.reshape(x, [-1]), [0], [1])), size - 0.01), 'int32');
      return ops.gather(x, picks, axis);
    }
    case 'matmul':
      return rank < 2 ? ops.mul(x, x) : ops.mul(ops.matmul(x, twin, { transposeB: true }), 0.2);
    case 'product':
      return rank < 2 ? ops.add(x, x) : ops.mul(ops.matmul(x, twin, { transposeA: true }), 0.05);
    case 'where':
      // Rounding must not tip a comparison: inputs are compared.
      return ops.add(ops.mul(x, 0.5), ops.max(ops.where(ops.less(made[0], made[1]), made[0], 0.125)));
    default:
      return ops.add(x, x);
  }
}

const operations = [
  ...['binary', 'unary', 'reduce', 'variance', 'squeeze', 'argmax', 'transpose', 'reshape', 'slice', 'pad', 'concat'],
  ...['gather', 'matmul', 'product', 'where', 'double', 'binary', 'unary'],
];

/** A training step of a random convolutional or dense network. */
export function randomTraining(seed: number, sizes = batches): Case {
  const draw = new Draw(2, seed);
  const batch = draw.pick(sizes.slice(1));
  const channels = draw.integer(1, 4);
  const size = [draw.integer(5, 13), draw.integer(5, 13)];
  const images = draw.chance() || seed % 3 === 0;
  const shape = images ? [channels, ...size] : [draw.integer(2, 21)];
  const layers: Record<string, Layer> = {};
  const depth = draw.integer(1, 3);
  let [width, height] = [size[1], size[0]];
  let previous = channels;
  for (let i = 0; i < depth; i++) {
    if (!images) layers[`dense${i}`] = dense(draw.integer(1, 19));
    else {
      const kernelSize = draw.integer(1, Math.min(5, width, height));
      const groups = draw.chance() && previous % 2 === 0 ? 2 : 1;
      const padding = draw.integer(0, Math.floor(kernelSize / 2));
      const stride = draw.integer(1, 2);
      const filters = groups * draw.integer(1, 4);
      layers[`conv${i}`] = conv2d(filters, { kernelSize, stride, padding, groups });
      const after = (n: number) => Math.floor((n + 2 * padding - kernelSize) / stride) + 1;
      [width, height, previous] = [after(width), after(height), filters];
    }
    if (draw.chance()) layers[`bn${i}`] = batchNorm();
    layers[`act${i}`] = draw.chance() ? sigmoid() : tanh();
    if (images && Math.min(width, height) >= 3 && draw.chance()) {
      layers[`pool${i}`] = draw.chance() ? avgPool2d(2) : maxPool2d(2, { stride: draw.integer(1, 2) });
      // Where this is not what the pool leaves, a later kernel is merely smaller than it could be.
      [width, height] = [Math.floor(width / 2), Math.floor(height / 2)];
    }
  }
  if (images) layers.flatten = flatten();
  layers.last = dense(5);
  const model = defineModel(sequential(layers), { input: { shape: [null, ...shape], dtype: 'float32' } });
  const graph = trainingStepGraph(model, classification(), sgd(), {
    features: { shape: [batch, ...shape], dtype: images && draw.chance() ? 'uint8' : 'float32' },
    labels: { shape: [batch], dtype: 'int32' },
  });
  return filled(graph, draw);
}
/** A network with known filters on few images: convolutions of all kinds among what stands between them in networks. */
export function randomPrediction(seed: number): Case {
  const draw = new Draw(3, seed);
  const known = (shape: number[]) =>
    constant(
      Float32Array.from({ length: sizeOf(shape) }, () => draw.random.normal()),
      shape,
    );
  const conv = (x: Tensor, out: number, kernel: number, groups = 1) => {
    const size = kernel * kernel * (x.shape[1]! / groups);
    const [stride, padding] = [draw.integer(1, 2), draw.integer(0, 1)];
    const window = {
      stride: [stride, stride],
      padding: [padding, padding, draw.integer(0, 1), padding],
      groups,
    } as const;
    const sum = ops.mul(ops.conv2d(x, known([out, x.shape[1]! / groups, kernel, kernel]), window), size ** -0.5);
    return ops.maximum(ops.add(sum, known([1, out, 1, 1])), draw.pick([0, -1]));
  };
  let x: Tensor = conv(input('x', [draw.integer(1, 3), 3, 14, 13]), draw.pick([6, 8, 12]), 3);
  for (let i = draw.integer(2, 5); i > 0 && x.shape[2]! > 3 && x.shape[3]! > 3; i--) {
    const [batch, channels, height, width] = x.shape as number[];
    const half = channels / 2;
    const pooled = () => ops.mean(x, [2, 3], { keepDims: true });
    x = draw.pick<() => Tensor>([
      () => conv(x, draw.pick([4, 10, 16]), draw.pick([1, 3])),
      () => conv(x, channels, draw.pick([2, 3]), channels),
      () => conv(x, 2 * draw.pick([3, 4]), 3, 2),
      () =>
        ops.concat(
          [x, ops.tanh(x), conv(ops.pad(x, [0, 0, 2, 2], [0, 0, 2, 2]), 4, 1)].filter(
            (y) => y.shape[2] === height && y.shape[3] === width,
          ),
          1,
        ),
      () => ops.mul(x, ops.sigmoid(ops.conv2d(pooled(), known([channels, channels, 1, 1])))),
      () => ops.reshape(ops.transpose(ops.reshape(x, [batch, 2, half, height, width]), [0, 2, 1, 3, 4]), x.shape),
      () =>
        ops.concat(
          [
            ops.slice(x, [0, 0, 0, 0], [batch, half, height, width]),
            ops.sigmoid(ops.slice(x, [0, half, 0, 0], x.shape)),
          ],
          1,
        ),
      () => ops.maxPool2d(x, { kernelSize: [2, 2], stride: [2, 1], padding: [1, 0, 1, 0], dilation: [1, 1] }),
    ])();
  }
  const flat = draw.chance() ? ops.reshape(x, [x.shape[0]!, -1]) : ops.mean(x, [2, 3]);
  const scores = ops.matmul(flat, known([flat.shape[1]!, draw.pick([5, 8])]));
  return filled(createGraph({ scores, ...(draw.chance() && { x }) }), draw);
}

/** A case with values for all inputs of a graph. */
export function filled(graph: Graph, draw: Draw = new Draw(0)): Case {
  const inputs = new Map<string, TypedArray>();
  for (const [name, { shape, dtype }] of graph.inputs) {
    const size = sizeOf(shape);
    if (dtype === 'int32')
      inputs.set(
        name,
        Int32Array.from({ length: size }, () => draw.integer(0, 4)),
      );
    else if (dtype === 'uint8')
      inputs.set(
        name,
        Uint8Array.from({ length: size }, () => draw.integer(0, 255)),
      );
    else {
      const positive = name.includes('ariance') || name.includes('gamma');
      const value = () =>
        positive ? 0.5 + draw.random.uniform() : draw.random.normal() * (name.includes('.') ? 0.3 : 1);
      inputs.set(name, Float32Array.from({ length: size }, value));
    }
  }
  return { graph, inputs };
}
