// Small ONNX files as other programs write them, made by chance, each with what it means: which pixels it takes, in which
// order, what its outputs are, and of which classes.

import { type ImageSignature, imageNet, type OutputKind } from '@bn/core';
import { floats, handMade, ints, node } from '../../../packages/onnx/test/build-model.js';

/** Numbers by chance, the same for a seed. */
export interface Chance {
  /** From 0 to 1. */
  next(): number;
  /** From 0 to n - 1. */
  below(n: number): number;
  is(probability: number): boolean;
  of<T>(list: readonly T[]): T;
  shuffled<T>(list: readonly T[]): T[];
}

/** mulberry32. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return {
    next,
    below,
    is: (probability) => next() < probability,
    of: (list) => list[below(list.length)]!,
    shuffled(list) {
      const all = [...list];
      for (let i = all.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [all[i], all[j]] = [all[j]!, all[i]!];
      }
      return all;
    },
  };
}

export interface ForeignModel {
  readonly bytes: Uint8Array;
  readonly image: ImageSignature;
  readonly dtype: 'uint8' | 'float32';
  /** The flag that says which pixels it takes. */
  readonly pixels: '0..1' | '0..255' | '-1..1' | 'imagenet';
  readonly output: string;
  readonly kind: OutputKind;
  readonly size: number;
  /** What makes the answer of the output: logits and raw scores are no answer yet. */
  readonly finish: 'none' | 'softmax' | 'sigmoid';
  readonly names: readonly string[] | null;
  /** Which of that the file shows. */
  readonly shows: { readonly pixels: boolean; readonly gives: boolean; readonly output: boolean };
  /** For messages. */
  readonly about: string;
}

type Step = readonly ['Mul' | 'Div' | 'Sub' | 'Add', number | readonly number[]] | readonly ['Normalize', Moments];
interface Moments {
  readonly mean: readonly number[];
  readonly variance: readonly number[];
}

/** First nodes that scale what comes in. */
interface Scaling {
  readonly steps: readonly Step[];
  readonly pixels: ForeignModel['pixels'];
  readonly shown: boolean;
  /** About what is left is so large. */
  readonly left?: number;
}

const times = (values: readonly number[], factor: number) => values.map((v) => v * factor);

/** @param n channels */
function scalings(n: 1 | 3, chance: Chance): readonly Scaling[] {
  const mean = n === 3 ? imageNet.mean : [0.1307];
  const deviation = n === 3 ? imageNet.deviation : [0.3081];
  const each = (low: number, high: number) => Array.from({ length: n }, () => low + (high - low) * chance.next());
  const bytes = (...steps: readonly Step[]): Scaling => ({ steps, pixels: '0..255', shown: true });
  const shares = (...steps: readonly Step[]): Scaling => ({ steps, pixels: '0..1', shown: true });
  const signs = (...steps: readonly Step[]): Scaling => ({ steps, pixels: '-1..1', shown: true });
  const hidden = (pixels: Scaling['pixels'], ...steps: readonly Step[]): Scaling => ({ steps, pixels, shown: false });
  return [
    bytes(['Mul', 1 / 255]),
    bytes(['Div', 255]),
    bytes(['Mul', 1 / 256]),
    bytes(['Mul', Array<number>(n).fill(1 / 255)]),
    bytes(['Sub', 127.5], ['Div', 127.5]),
    bytes(['Sub', 127.5], ['Mul', 1 / 127.5]),
    bytes(['Sub', 128], ['Div', 128]),
    bytes(['Div', 127.5], ['Sub', 1]),
    bytes(['Mul', 1 / 127.5], ['Add', -1]),
    bytes(['Mul', 1 / 255], ['Sub', 0.5], ['Div', 0.5]),
    bytes(['Mul', 1 / 255], ['Mul', 2], ['Sub', 1]),
    bytes(['Div', 255], ['Sub', mean], ['Div', deviation]),
    bytes(['Sub', times(mean, 255)], ['Div', times(deviation, 255)]),
    bytes(['Sub', times(mean, 255)], ['Mul', deviation.map((v) => 1 / (255 * v))]),
    { ...bytes(['Sub', times(mean, 255)]), left: 100 },
    bytes(['Normalize', { mean: each(40, 180), variance: each(1500, 5000) }]),
    shares(['Sub', 0.5], ['Div', 0.5]),
    shares(['Mul', 2], ['Sub', 1]),
    shares(['Mul', 2], ['Add', -1]),
    shares(['Sub', mean], ['Div', deviation]),
    shares(['Sub', mean], ['Mul', deviation.map((v) => 1 / v)]),
    shares(['Mul', deviation.map((v) => 1 / v)], ['Add', mean.map((v, i) => -v / deviation[i]!)]),
    { ...shares(['Mul', 255], ['Sub', times(mean, 255)]), left: 100 },
    shares(['Mul', 255], ['Sub', times(mean, 255)], ['Div', times(deviation, 255)]),
    signs(['Add', 1], ['Mul', 0.5]),
    signs(['Add', 1], ['Div', 2]),
    signs(['Mul', 0.5], ['Add', 0.5]),
    { ...signs(['Mul', 127.5], ['Add', 127.5]), left: 255 },
    hidden('0..1'),
    { ...hidden('0..255'), left: 255 },
    hidden('-1..1'),
    ...(n === 3 ? [hidden('imagenet')] : []),
    // What a layer has learned of its pixels fits several ranges.
    hidden('0..1', ['Normalize', { mean: each(0.2, 0.6), variance: each(0.03, 0.1) }]),
    hidden('-1..1', ['Normalize', { mean: each(-0.5, 0.5), variance: each(0.1, 0.5) }]),
    hidden('-1..1', ['Normalize', { mean: each(0.05, 0.5), variance: each(0.1, 0.3) }]),
    { ...hidden('-1..1', ['Add', 1], ['Mul', 127.5], ['Sub', times(mean, 255)]), left: 100 },
  ];
}

class Builder {
  readonly nodes: ReturnType<typeof node>[] = [];
  readonly initializers: ReturnType<typeof floats>[] = [];
  readonly opset: number;
  readonly chance: Chance;

  constructor(opset: number, chance: Chance) {
    this.opset = opset;
    this.chance = chance;
  }

  op(operator: string, inputs: readonly string[], attributes: Parameters<typeof node>[3] = {}): string {
    const name = `v${this.nodes.length}`;
    this.nodes.push(node(operator, inputs, name, attributes));
    return name;
  }

  floats(shape: readonly number[], values: readonly number[]): string {
    const name = `f${this.initializers.length}`;
    this.initializers.push(floats(name, shape, values));
    return name;
  }

  ints(values: readonly number[]): string {
    const name = `i${this.initializers.length}`;
    this.initializers.push(ints(name, values));
    return name;
  }

  random(shape: readonly number[], size: number): string {
    const length = shape.reduce((a, b) => a * b, 1);
    return this.floats(
      shape,
      Array.from({ length }, () => (this.chance.next() * 2 - 1) * size),
    );
  }

  number(value: number): string {
    return this.floats(this.chance.of([[], [1]]), [value]);
  }

  /** Axes are an attribute up to opset 12, and in some operators up to 17. */
  over(operator: string, x: string, axes: readonly number[], attributes: Record<string, number> = {}): string {
    const isInput = this.opset >= (/^Reduce(Max|Mean)/.test(operator) ? 18 : 13);
    return isInput
      ? this.op(operator, [x, this.ints(axes)], attributes)
      : this.op(operator, [x], { axes, ...attributes });
  }

  /** Either order where it does not matter. */
  either(operator: 'Add' | 'Mul', a: string, b: string): string {
    return this.op(
      operator,
      this.chance.of([
        [a, b],
        [b, a],
      ]),
    );
  }
}

function scaled(b: Builder, x: string, { steps }: Scaling, order: ImageSignature['order'], channels: number): string {
  for (const step of steps) {
    if (step[0] === 'Normalize') {
      const ones = b.floats([channels], Array<number>(channels).fill(1));
      const zeros = b.floats([channels], Array<number>(channels).fill(0));
      const [mean, variance] = [b.floats([channels], step[1].mean), b.floats([channels], step[1].variance)];
      x = b.op('BatchNormalization', [x, ones, zeros, mean, variance]);
      continue;
    }
    const [operator, value] = step;
    const shapes =
      order === 'CHW'
        ? [
            [1, channels, 1, 1],
            [channels, 1, 1],
          ]
        : [[channels], [1, 1, 1, channels]];
    const isFlat = order === 'flat' || order === 'HW';
    const v =
      typeof value === 'number'
        ? b.number(value)
        : isFlat
          ? b.floats([1], value)
          : b.floats(b.chance.of(shapes), value);
    x = operator === 'Add' || operator === 'Mul' ? b.either(operator, x, v) : b.op(operator, [x, v]);
  }
  return x;
}

interface Features {
  /** The last layer's, [batch, size] or [batch, size, 1, 1]. */
  readonly z: string;
  readonly is4d: boolean;
  /** What it is computed from; null if only pixels. */
  readonly embedding: string | null;
}

function body(b: Builder, x: string, size: number, image: ImageSignature, left: number): Features {
  const { channels: c, height, width, order } = image;
  const { chance } = b;
  const weights = (shape: readonly number[], fan: number, size = 1) => b.random(shape, (3 * size) / Math.sqrt(fan));
  const linear = (x: string, from: number, scale: number) => {
    const w = weights([from, size], from, scale);
    if (chance.is(0.5)) return b.either('Add', b.op('MatMul', [x, w]), b.random([size], 1));
    return b.op('Gemm', [x, w, b.random([size], 1)]);
  };
  const kind = chance.of(['linear', 'hidden', 'conv', 'all-conv'] as const);
  if (kind === 'linear' || kind === 'hidden') {
    const from = c * height * width;
    const flat = order === 'flat' ? x : chance.is(0.5) ? b.op('Flatten', [x]) : b.op('Reshape', [x, b.ints([0, -1])]);
    if (kind === 'linear') return { z: linear(flat, from, 1 / left), is4d: false, embedding: null };
    const hidden = b.op('Relu', [b.op('Gemm', [flat, weights([from, 7], from, 1 / left), b.random([7], 1)])]);
    return { z: linear(hidden, 7, 1), is4d: false, embedding: hidden };
  }
  const x4 =
    order === 'HWC'
      ? b.op('Transpose', [x], { perm: [0, 3, 1, 2] })
      : order === 'CHW'
        ? x
        : b.op('Reshape', [x, b.ints([-1, 1, height, width])]);
  let t = b.op('Conv', [x4, weights([5, c, 3, 3], 4 * c, 1 / left), b.random([5], 0.5)], { pads: [1, 1, 1, 1] });
  if (chance.is(0.5)) {
    const four = [b.floats([5], [1, 2, 1, 1, 3]), b.random([5], 1), b.random([5], 1), b.floats([5], [1, 2, 1, 1, 3])];
    t = b.op('BatchNormalization', [t, ...four]);
  }
  const pooled = b.op('GlobalAveragePool', [b.op('Relu', [t])]);
  if (kind === 'all-conv') {
    const z = b.op('Conv', [pooled, weights([size, 5, 1, 1], 2), b.random([size], 0.5)]);
    return { z, is4d: true, embedding: pooled };
  }
  const flat = b.op('Flatten', [pooled]);
  return { z: linear(flat, 5, 1.5), is4d: false, embedding: flat };
}

/** e^z / Σ e^z in the operators of arithmetic. */
function exponentials(b: Builder, z: string): { e: string; sum: string } {
  const e = b.op('Exp', [z]);
  return { e, sum: b.over('ReduceSum', e, [1], { keepdims: 1 }) };
}

function shifted(b: Builder, z: string): string {
  return b.chance.is(0.5) ? z : b.op('Sub', [z, b.over('ReduceMax', z, [1], { keepdims: 1 })]);
}

const softmaxes: Readonly<Record<string, (b: Builder, z: string) => string>> = {
  Softmax: (b, z) => b.op('Softmax', [z], { axis: 1 }),
  'Exp of LogSoftmax': (b, z) => b.op('Exp', [b.op('LogSoftmax', [z], { axis: 1 })]),
  'written out': (b, z) => {
    const { e, sum } = exponentials(b, shifted(b, z));
    return b.op('Div', [e, sum]);
  },
  'written out by Reciprocal': (b, z) => {
    const { e, sum } = exponentials(b, shifted(b, z));
    return b.either('Mul', e, b.op('Reciprocal', [sum]));
  },
  'Exp of LogSoftmax written out': (b, z) => {
    const inner = shifted(b, z);
    return b.op('Exp', [b.op('Sub', [inner, b.op('Log', [exponentials(b, inner).sum])])]);
  },
  'with a temperature': (b, z) => b.op('Softmax', [b.op('Div', [z, b.number(1.5)])], { axis: 1 }),
};

const sigmoids: Readonly<Record<string, (b: Builder, z: string) => string>> = {
  Sigmoid: (b, z) => b.op('Sigmoid', [z]),
  'written out': (b, z) => {
    const e = b.op('Exp', [b.chance.is(0.5) ? b.op('Neg', [z]) : b.either('Mul', z, b.number(-1))]);
    const sum = b.either('Add', e, b.number(1));
    return b.chance.is(0.5) ? b.op('Reciprocal', [sum]) : b.op('Div', [b.number(1), sum]);
  },
};

interface Head {
  readonly form: string;
  readonly y: string;
  readonly kind: OutputKind;
  readonly finish: ForeignModel['finish'];
  readonly shown: boolean;
  /** Bounds change nothing. */
  readonly isBounded: boolean;
}

function head(b: Builder, z: string, size: number): Head {
  const { chance } = b;
  const plain = { finish: 'none', isBounded: false } as const;
  const wanted = chance.of([
    'softmax',
    'softmax',
    'softmax',
    'logits',
    'logits',
    'logs',
    'sigmoid',
    'sigmoid',
    'values',
    'odd',
  ]);
  if (wanted === 'softmax' && size > 1) {
    const form = chance.of(Object.keys(softmaxes));
    return { ...plain, form, y: softmaxes[form]!(b, z), kind: 'probabilities', shown: true, isBounded: true };
  }
  if (wanted === 'sigmoid') {
    const form = chance.of(Object.keys(sigmoids));
    return {
      ...plain,
      form: `sigmoid ${form}`,
      y: sigmoids[form]!(b, z),
      kind: 'scores',
      shown: true,
      isBounded: true,
    };
  }
  if (wanted === 'logs' && size > 1) {
    const y = chance.is(0.5) ? b.op('LogSoftmax', [z], { axis: 1 }) : b.op('Log', [b.op('Softmax', [z], { axis: 1 })]);
    return { ...plain, form: 'logarithms', y, kind: 'logits', finish: 'softmax', shown: true };
  }
  if (wanted === 'logits' && size > 1)
    return { ...plain, form: 'logits', y: z, kind: 'logits', finish: 'softmax', shown: false };
  if (wanted === 'odd') return oddHead(b, z, size);
  return chance.is(0.3)
    ? { ...plain, form: 'raw scores', y: z, kind: 'scores', finish: 'sigmoid', shown: false }
    : { ...plain, form: 'values', y: z, kind: 'values', shown: false };
}

/** What a graph does not prove to be what it is. */
function oddHead(b: Builder, z: string, size: number): Head {
  const { chance } = b;
  const odd = { finish: 'none', shown: false, isBounded: false } as const;
  const bent = (form: string, y: string, kind: OutputKind): Head => ({ ...odd, form, y, kind });
  switch (
    chance.of(size > 1 ? ['tanh', 'relu', 'clip', 'half tanh', 'shares', 'two'] : ['tanh', 'relu', 'clip', 'half tanh'])
  ) {
    case 'tanh':
      return bent('tanh', b.op('Tanh', [z]), 'values');
    case 'relu':
      return bent('relu', b.op('Relu', [z]), 'values');
    case 'clip':
      return bent('clipped values', b.op('Clip', [z, b.floats([], [0]), b.floats([], [6])]), 'values');
    case 'half tanh': {
      const half = b.either('Mul', b.op('Tanh', [b.either('Mul', z, b.number(0.5))]), b.number(0.5));
      return bent('sigmoid by tanh', b.either('Add', half, b.number(0.5)), 'scores');
    }
    case 'shares': {
      const positive = b.either('Add', b.op('Relu', [z]), b.number(0.01));
      const sum = b.over('ReduceSum', positive, [1], { keepdims: 1 });
      return bent('shares of a sum', b.op('Div', [positive, sum]), 'probabilities');
    }
    default: {
      const other = b.op('Softmax', [b.op('Neg', [z])], { axis: 1 });
      const sum = b.either('Add', b.op('Softmax', [z], { axis: 1 }), other);
      return bent('mean of two softmaxes', b.either('Mul', sum, b.number(0.5)), 'probabilities');
    }
  }
}

/** Nodes that keep the numbers; ends in [batch, size] or [batch, size, 1, 1]. */
function tail(b: Builder, y: string, is4d: boolean, size: number, isBounded: boolean): string {
  const { chance } = b;
  let dims = is4d ? 4 : 2;
  for (let i = chance.below(4); i > 0; i--) {
    const form = chance.of([
      'Identity',
      'Reshape',
      'Flatten',
      'Squeeze',
      'Unsqueeze',
      'Clip',
      'Mul',
      'Transpose',
      'Dropout',
    ]);
    if (form === 'Identity' || form === 'Dropout') y = b.op(form, [y]);
    else if (form === 'Reshape')
      [y, dims] = [
        b.op('Reshape', [
          y,
          b.ints(
            chance.of([
              [0, -1],
              [-1, size],
            ]),
          ),
        ]),
        2,
      ];
    else if (form === 'Flatten') [y, dims] = [b.op('Flatten', [y]), 2];
    else if (form === 'Squeeze' && dims === 4) [y, dims] = [b.over('Squeeze', y, [2, 3]), 2];
    else if (form === 'Unsqueeze' && dims === 2) [y, dims] = [b.over('Unsqueeze', y, [2, 3]), 4];
    else if (form === 'Clip' && isBounded)
      y = b.op('Clip', [y, b.floats([], [chance.of([0, 1e-7])]), b.floats([], [chance.of([1, 1 - 1e-7])])]);
    else if (form === 'Mul') y = b.either('Mul', y, b.number(1));
    else if (form === 'Transpose' && dims === 4) {
      y = b.op('Flatten', [b.op('Transpose', [y], { perm: [0, 2, 3, 1] })]);
      dims = 2;
    }
  }
  return y;
}

/** Outputs that are not the answer. */
function decoys(b: Builder, { z, embedding, is4d }: Features, { y, kind, shown }: Head): Record<string, string> {
  const { chance } = b;
  if (chance.is(0.6)) return {};
  const all: Record<string, () => string | null> = {
    embedding: () => embedding && (is4d ? b.op('Flatten', [embedding]) : embedding),
    argmax: () => b.op('Cast', [b.op('ArgMax', [z], { axis: 1, keepdims: 0 })], { to: 6 }),
    confidence: () => b.over('ReduceMax', y, [1], { keepdims: 0 }),
    features: () => embedding,
    other: () => (kind === 'probabilities' && shown ? b.op('Softmax', [b.op('Neg', [z])], { axis: 1 }) : null),
    map: () => b.op('Concat', [z, z], { axis: 1 }),
  };
  const chosen = chance.shuffled(Object.keys(all)).slice(0, 1 + chance.below(2));
  const made = chosen.map((name) => [name, all[name]!()] as const);
  return Object.fromEntries(made.filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== y));
}

const pool = [
  'ant',
  'bee',
  'cat',
  'dog',
  'elk',
  'fox',
  'gnu',
  'Übel',
  'a b',
  'x,y',
  '3',
  '07',
  '12',
  '100',
  'T-shirt',
  'trouser',
];

function imageBy(chance: Chance): Pick<ImageSignature, 'channels' | 'height' | 'width' | 'order'> {
  const side = () => 2 + chance.below(6);
  const order = chance.of(['CHW', 'CHW', 'CHW', 'HWC', 'HWC', 'HW', 'flat'] as const);
  if (order === 'flat') {
    const both = 4 + chance.below(4);
    return { channels: 1, height: both, width: both, order };
  }
  // A height or a width of 1 or 3 beside other channels would be read as channels.
  const size = () => chance.of([2, 4, 5, 6, side() + 2]);
  const channels = order === 'HW' ? 1 : chance.of([1, 3] as const);
  return { channels, height: size(), width: size(), order };
}

/** A model by chance. */
export function foreignModel(chance: Chance): ForeignModel {
  const b = new Builder(chance.of([11, 12, 13, 15, 17, 18]), chance);
  const layout = imageBy(chance);
  const { channels, height, width, order } = layout;
  const isUint8 = chance.is(0.25);
  const possible = scalings(channels, chance).filter(({ pixels, steps }) => {
    const isFirst = steps[0]?.[0] !== 'Normalize' || order === 'CHW';
    return isFirst && (!isUint8 || pixels === '0..255');
  });
  const scaling = chance.of(possible);
  const { pixels, left = 1 } = scaling;
  const range = { '0..1': [0, 1], '0..255': [0, 255], '-1..1': [-1, 1], imagenet: [0, 1] } as const;
  const normal = pixels === 'imagenet' ? imageNet : { mean: [], deviation: [] };
  const image: ImageSignature = { ...layout, range: range[pixels], ...normal };
  const size = chance.is(0.15) ? 1 : 2 + chance.below(5);

  const cast = isUint8 ? b.op('Cast', ['x'], { to: 1 }) : chance.is(0.2) ? b.op('Identity', ['x']) : 'x';
  const features = body(b, scaled(b, cast, scaling, order, channels), size, image, left);
  const isFlattened = features.is4d && chance.is(0.3);
  const z = isFlattened ? b.op('Flatten', [features.z]) : features.z;
  const made = head(b, z, size);
  const y = tail(b, made.y, features.is4d && !isFlattened, size, made.isBounded);
  const others = decoys(b, { ...features, z, is4d: features.is4d && !isFlattened }, made);
  const name = chance.of(
    {
      logits: ['logits', 'y', 'dense_1'],
      probabilities: ['probabilities', 'prob', 'y', 'output'],
      scores: ['scores', 'y', 'out'],
      values: ['values', 'y', '326'],
    }[made.kind],
  );
  // A value has one name: what is two outputs is copied.
  const outputs = new Map(
    [[name, y], ...Object.entries(others)].map(([output, value]) => [output, b.op('Identity', [value!])]),
  );
  const back = new Map([...outputs].map(([output, value]) => [value, output]));
  const renamed = b.nodes.map((one) => ({ ...one, output: one.output!.map((value) => back.get(value) ?? value) }));

  const names = chance.is(0.7) ? chance.shuffled(pool).slice(0, size) : null;
  const shape = {
    CHW: [channels, height, width],
    HWC: [height, width, channels],
    HW: [height, width],
    flat: [channels * height * width],
  }[order];
  const dtype = isUint8 ? 'uint8' : 'float32';
  const isOwn = chance.is(0.1);
  const metadata = {
    ...(names && { classNames: JSON.stringify(names) }),
    ...(isOwn && {
      signature: JSON.stringify({
        input: { name: 'x', dtype, shape, image },
        output: { name, kind: made.kind, size, names },
      }),
    }),
  };
  const listed = chance.shuffled([...outputs.keys()]);
  return {
    bytes: handMade({
      opset: b.opset,
      shape: [null, ...shape],
      dtype,
      outputs: listed,
      types: { argmax: 'int32' },
      metadata,
      nodes: renamed,
      initializers: b.initializers,
    }),
    ...{ image, dtype, pixels, output: name, kind: made.kind, size, finish: made.finish, names },
    shows: {
      pixels: isUint8 || scaling.shown || isOwn,
      gives: made.shown || isOwn,
      output: isOwn || listed.length === 1,
    },
    about: `${dtype} ${order} ${channels}x${height}x${width} ${pixels} by ${JSON.stringify(scaling.steps)}, ${made.form} '${name}' of ${listed.join(', ')}, opset ${b.opset}${isOwn ? ', own' : ''}`,
  };
}
