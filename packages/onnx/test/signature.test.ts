// What a file takes and gives, in all the forms in which exporters write a softmax, a sigmoid, and the scaling of pixels.

import type { ImageSignature, Signature } from '@bn/core';
import { openModel } from '@bn/onnxruntime-cuda';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { importInference, importOnnx, type SignatureOptions, type Signed, signatureOf } from '../src/index.js';
import { floats, type HandMade, handMade, ints, node } from './build-model.js';
import { largestDifference, predict } from './small-network.js';

type Nodes = HandMade['nodes'];

const signed = (model: HandMade, options?: SignatureOptions): Signed =>
  signatureOf(importInference(handMade(model)), options);

/** Pixels [1, 2, 2] through a linear layer of three outputs, `z`, and then `nodes`. */
function classifier(nodes: Nodes, more: Partial<HandMade> = {}): HandMade {
  return {
    shape: [null, 1, 2, 2],
    ...more,
    nodes: [node('Flatten', ['x'], 'flat'), node('Gemm', ['flat', 'w'], 'z'), ...nodes],
    initializers: [
      floats('w', [4, 3]),
      floats('one', [], [1]),
      floats('zero', [], [0]),
      floats('lowest', [], [1e-7]),
      floats('minusOne', [], [-1]),
      ints('axis', [1]),
      ints('spatial', [2, 3]),
      ints('image', [0, -1, 1, 1]),
      ints('line', [0, -1]),
      ...(more.initializers ?? []),
    ],
  };
}

const image4d = node('Reshape', ['z', 'image'], 'z4');
const writtenOut = (z: string, y = 'y') => [
  node('Exp', [z], 'e'),
  node('ReduceSum', ['e', 'axis'], 'sum', { keepdims: 1 }),
  node('Div', ['e', 'sum'], y),
];
const softmaxes: Record<string, Nodes> = {
  alone: [node('Softmax', ['z'])],
  'before Identity': [node('Softmax', ['z'], 'p'), node('Identity', ['p'])],
  'before Reshape': [node('Softmax', ['z'], 'p'), node('Reshape', ['p', 'line'])],
  'before Clip': [node('Softmax', ['z'], 'p'), node('Clip', ['p', 'lowest', 'one'])],
  'of an image, flattened': [image4d, node('Softmax', ['z4'], 'p', { axis: 1 }), node('Flatten', ['p'])],
  'of an image, squeezed': [image4d, node('Softmax', ['z4'], 'p', { axis: 1 }), node('Squeeze', ['p', 'spatial'])],
  'of an image, averaged': [
    image4d,
    node('Softmax', ['z4'], 'p', { axis: 1 }),
    node('ReduceMean', ['p'], 'y', { axes: [2, 3], keepdims: 0 }),
  ],
  'of an image, pooled': [image4d, node('Softmax', ['z4'], 'p', { axis: 1 }), node('GlobalAveragePool', ['p'])],
  'of an image, as it is': [image4d, node('Softmax', ['z4'], 'y', { axis: 1 })],
  'of an image, transposed': [
    image4d,
    node('Softmax', ['z4'], 'p', { axis: 1 }),
    node('Transpose', ['p'], 'last', { perm: [0, 2, 3, 1] }),
    node('Flatten', ['last']),
  ],
  'written out': writtenOut('z'),
  'written out, shifted': [
    node('ReduceMax', ['z'], 'max', { axes: [1], keepdims: 1 }),
    node('Sub', ['z', 'max'], 'shifted'),
    ...writtenOut('shifted'),
  ],
  'written out by Reciprocal': [
    ...writtenOut('z', 'unused'),
    node('Reciprocal', ['sum'], 'share'),
    node('Mul', ['share', 'e']),
  ],
  'as Exp of LogSoftmax': [node('LogSoftmax', ['z'], 'log'), node('Exp', ['log'])],
  'as Exp of LogSoftmax written out': [
    node('Exp', ['z'], 'e'),
    node('ReduceSum', ['e', 'axis'], 'sum', { keepdims: 1 }),
    node('Log', ['sum'], 'logSum'),
    node('Sub', ['z', 'logSum'], 'log'),
    node('Exp', ['log']),
  ],
};
const sigmoids: Record<string, Nodes> = {
  alone: [node('Sigmoid', ['z'])],
  'before Clip and Identity': [
    node('Sigmoid', ['z'], 's'),
    node('Clip', ['s', 'zero', 'one'], 'c'),
    node('Identity', ['c']),
  ],
  'written out': [
    node('Neg', ['z'], 'n'),
    node('Exp', ['n'], 'e'),
    node('Add', ['e', 'one'], 'sum'),
    node('Div', ['one', 'sum']),
  ],
  'written out by Reciprocal': [
    node('Mul', ['z', 'minusOne'], 'n'),
    node('Exp', ['n'], 'e'),
    node('Add', ['one', 'e'], 'sum'),
    node('Reciprocal', ['sum']),
  ],
};

async function inRuntime(bytes: Uint8Array, data: Float32Array, shape: readonly number[], output: string) {
  const runtime = await openModel(bytes, { threads: 1 });
  onTestFinished(() => runtime.dispose());
  return (await runtime.run({ x: { data, spec: { shape, dtype: 'float32' } } }))[output]!.data as Float32Array;
}

describe.each([
  ['softmax', softmaxes, 'probabilities'],
  ['sigmoid', sigmoids, 'scores'],
] as const)('a %s', (_, forms, kind) => {
  it.each(Object.entries(forms))('%s', async (_, nodes) => {
    const { signature, assumptions } = signed(classifier(nodes));
    expect(signature.output).toEqual({ name: 'y', kind, size: 3, names: null });
    expect(assumptions).toHaveLength(1); // of pixels
    // What is trained lies before it.
    const bytes = handMade(classifier(nodes, { outputs: ['y', 'z'] }));
    const { model, values } = importOnnx(bytes, { output: 'y' });
    const features = Float32Array.of(0, 0.25, 0.5, 0.75, 1, 0, 0.5, 0.125);
    const logits = await predict(model, values, features);
    const expected = await inRuntime(bytes, features, [2, 1, 2, 2], 'z');
    // Softmaxes are not changed by what is taken off all logits.
    const shift = kind === 'scores' ? [0, 0] : [0, 3].map((i) => logits[i]! - expected[i]!);
    expect(
      largestDifference(
        logits,
        expected.map((v, i) => v + shift[Math.floor(i / 3)]!),
      ),
    ).toBeLessThan(1e-6);
  });
});

test('logarithms of probabilities are logits', () => {
  for (const nodes of [[node('LogSoftmax', ['z'])], [node('Softmax', ['z'], 'p'), node('Log', ['p'])]]) {
    expect(signed(classifier(nodes)).signature.output).toMatchObject({ kind: 'logits', size: 3 });
    expect(signed(classifier(nodes)).assumptions).toHaveLength(1);
  }
  // Up to opset 12 a softmax is one of rows, for which an image is made one.
  const rows = [image4d, node('Softmax', ['z4'], 'p', { axis: 1 }), node('Log', ['p'])];
  for (const opset of [11, 17]) {
    expect(signed(classifier(rows, { opset })).signature.output).toMatchObject({ kind: 'logits', size: 3 });
  }
});

describe('what is not proven', () => {
  it('a linear layer is assumed to give logits, and said', () => {
    const { signature, assumptions } = signed(classifier([node('Identity', ['z'])]));
    expect(signature.output.kind).toBe('logits');
    expect(assumptions[1]).toBe(
      "the file does not say what 'y' gives: logits are assumed; say --gives logits, probabilities, scores or values",
    );
    for (const gives of ['values', 'probabilities', 'logits'] as const) {
      const given = signed(classifier([node('Identity', ['z'])]), { gives, pixels: '0..1' });
      expect(given).toMatchObject({ signature: { output: { kind: gives } }, assumptions: [] });
    }
    const scores = signed(classifier([node('Identity', ['z'])]), { gives: 'scores', pixels: '0..1' });
    expect(scores.assumptions).toEqual(["'y' ends without a sigmoid: one is put on it, as scores are from 0 to 1"]);
  });

  it('one number is assumed to be a value', () => {
    const one = { shape: [null, 4], nodes: [node('Gemm', ['x', 'w'])], initializers: [floats('w', [4, 1])] };
    expect(signed(one).signature.output).toEqual({ name: 'y', kind: 'values', size: 1, names: null });
    const sigmoid = { ...one, nodes: [node('Gemm', ['x', 'w'], 'z'), node('Sigmoid', ['z'])] };
    expect(signed(sigmoid).signature.output).toEqual({ name: 'y', kind: 'scores', size: 1, names: null });
  });

  it.each<[string, Nodes]>([
    [
      'a sum of softmaxes',
      [node('Softmax', ['z'], 'a'), node('Neg', ['z'], 'n'), node('Softmax', ['n'], 'b'), node('Add', ['a', 'b'])],
    ],
    [
      'the mean over a batch',
      [
        node('Softmax', ['z'], 'p'),
        node('ReduceMean', ['p'], 'm', { axes: [0], keepdims: 1 }),
        node('Shape', ['z'], 'size'),
        node('Expand', ['m', 'size']),
      ],
    ],
    [
      'a softmax over something else',
      [node('Reshape', ['z', 'image'], 'z4'), node('Softmax', ['z4'], 'y', { axis: 2 })],
    ],
    ['a hard sigmoid', [node('HardSigmoid', ['z'])]],
  ])('%s has to be told, and is not trained through', (_, nodes) => {
    expect(() => signed(classifier(nodes))).toThrow(
      "it is not clear what the output 'y' gives; say --gives logits, probabilities, scores or values",
    );
    expect(signed(classifier(nodes), { gives: 'probabilities' }).signature.output.kind).toBe('probabilities');
    expect(() => importOnnx(handMade(classifier(nodes)), { gives: 'probabilities' })).toThrow(
      "the output 'y' gives probabilities, and what they are the softmax of is not found",
    );
  });

  it('what contradicts the file is an error', () => {
    const gives = (kind: SignatureOptions['gives'], nodes: Nodes) => () => signed(classifier(nodes), { gives: kind! });
    expect(gives('logits', softmaxes.alone!)).toThrow(
      "gives logits: the file itself shows that 'y' gives probabilities",
    );
    expect(gives('probabilities', sigmoids.alone!)).toThrow("shows that 'y' gives scores");
    expect(gives('values', sigmoids.alone!)).not.toThrow();
    expect(gives('probabilities', [node('LogSoftmax', ['z'])])).toThrow("shows that 'y' gives logits");
  });
});

describe('of several outputs', () => {
  const outputOf = (nodes: Nodes, outputs: readonly string[], output?: string) =>
    signed(classifier(nodes, { outputs }), output === undefined ? {} : { output }).signature.output.name;

  it.each<[string, Nodes, readonly string[], string]>([
    ['the softmax, not the embedding', [node('Softmax', ['z'], 'y')], ['flat', 'y'], 'y'],
    ['the linear layer, not what it is computed from', [], ['flat', 'z'], 'z'],
    ['the softmax, not its logits', [node('Softmax', ['z'], 'y')], ['z', 'y'], 'y'],
    [
      'what is called so',
      [node('Neg', ['z'], 'n'), node('Relu', ['z'], 'probability')],
      ['n', 'probability'],
      'probability',
    ],
    ['not the labels', [node('ArgMax', ['z'], 'label', { axis: 1 }), node('Softmax', ['z'], 'y')], ['label', 'y'], 'y'],
    ['a softmax before scores', [node('Sigmoid', ['z'], 's'), node('Softmax', ['z'], 'y')], ['s', 'y'], 'y'],
    ['the same one twice', [node('Softmax', ['z'], 'a'), node('Identity', ['a'], 'b')], ['a', 'b'], 'a'],
  ])('%s', (_, nodes, outputs, expected) => {
    expect(outputOf(nodes, outputs)).toBe(expected);
  });

  it('two that could be it have to be told', () => {
    const nodes = [node('Softmax', ['z'], 'a'), node('Neg', ['z'], 'n'), node('Softmax', ['n'], 'b')];
    expect(() => outputOf(nodes, ['a', 'b'])).toThrow(
      "the outputs 'a' float32 [batch, 3], 'b' float32 [batch, 3] could each be the answer; name one by --output",
    );
    expect(outputOf(nodes, ['a', 'b'], 'b')).toBe('b');
    expect(() => outputOf(nodes, ['a', 'b'], 'c')).toThrow("the output 'c' is not there; the outputs are 'a' float32");
  });

  it('nor is it told which one counts by what is computed from it', () => {
    const largest = node('ReduceMax', ['z'], 'confidence', { axes: [1], keepdims: 0 });
    const twice = node('Concat', ['z', 'z'], 'pair', { axis: 1 });
    for (const other of [largest, twice]) {
      const outputs = ['z', other.output![0]!];
      expect(() => outputOf([other], outputs)).toThrow('could each be the answer; name one by --output');
      expect(outputOf([other], outputs, 'z')).toBe('z');
    }
    expect(outputOf([largest, node('Softmax', ['z'], 'y')], ['confidence', 'y'])).toBe('y');
  });

  it('none that could be it is an error', () => {
    const labels = [node('ArgMax', ['z'], 'y', { axis: 1 })];
    expect(() => signed(classifier(labels))).toThrow("no output [batch, classes] of float32, but 'y' int32 [batch, 1]");
    expect(() => signed(classifier(labels), { output: 'y' })).toThrow(
      "'y' is not a line of float32 numbers per example",
    );
  });
});

describe('pixels', () => {
  /** An image through `nodes`, from `x` to `t`, and then a classifier. */
  const scaled = (
    nodes: Nodes,
    constants: HandMade['initializers'],
    shape: HandMade['shape'] = [null, 3, 2, 2],
  ): HandMade => ({
    shape,
    nodes: [...nodes, node('Flatten', ['t'], 'flat'), node('Gemm', ['flat', 'w'], 'z'), node('Softmax', ['z'])],
    initializers: [floats('w', [shape.slice(1).reduce<number>((product, n) => product * n!, 1), 3]), ...constants!],
  });
  const by = (operator: string) => node(operator, ['x', 'v'], 't');
  const of = (values: readonly number[], name = 'v') =>
    floats(name, values.length > 1 ? [1, values.length, 1, 1] : [], values);
  const mean = [0.485, 0.456, 0.406];
  const deviation = [0.229, 0.224, 0.225];

  it.each<[string, HandMade, ImageSignature['range'] | null]>([
    ['divided by 255', scaled([by('Div')], [of([255])]), [0, 255]],
    ['times 1/255', scaled([by('Mul')], [of([1 / 255])]), [0, 255]],
    [
      'behind Cast and Transpose',
      scaled(
        [
          node('Identity', ['x'], 'i'),
          node('Transpose', ['i'], 'n', { perm: [0, 3, 1, 2] }),
          node('Mul', ['v', 'n'], 't'),
        ],
        [of([1 / 255])],
        [null, 2, 2, 3],
      ),
      [0, 255],
    ],
    [
      '(x − 127.5) / 127.5',
      scaled([node('Sub', ['x', 'v'], 's'), node('Div', ['s', 'v'], 't')], [of([127.5])]),
      [0, 255],
    ],
    [
      'x / 127.5 − 1',
      scaled([node('Mul', ['x', 'u'], 's'), node('Sub', ['s', 'v'], 't')], [of([1 / 127.5], 'u'), of([1])]),
      [0, 255],
    ],
    ['the mean taken off', scaled([node('Sub', ['x', 'v'], 't')], [of([123.68, 116.78, 103.94])]), [0, 255]],
    [
      "ImageNet's, of 0..1",
      scaled([node('Sub', ['x', 'v'], 's'), node('Div', ['s', 'u'], 't')], [of(mean), of(deviation, 'u')]),
      [0, 1],
    ],
    [
      "ImageNet's, of 0..255",
      scaled(
        [node('Sub', ['x', 'v'], 's'), node('Div', ['s', 'u'], 't')],
        [
          of(mean.map((v) => v * 255)),
          of(
            deviation.map((v) => v * 255),
            'u',
          ),
        ],
      ),
      [0, 255],
    ],
    ['(x − 0.5) / 0.5', scaled([node('Sub', ['x', 'v'], 's'), node('Div', ['s', 'v'], 't')], [of([0.5])]), [0, 1]],
    [
      '(x + 1) / 2',
      scaled([node('Add', ['x', 'v'], 's'), node('Mul', ['s', 'u'], 't')], [of([1]), of([0.5], 'u')]),
      [-1, 1],
    ],
    [
      'normalized as a batch',
      scaled(
        [node('BatchNormalization', ['x', 'g', 'g', 'm', 's'], 't')],
        [floats('g', [3], [1, 1, 1]), floats('m', [3], [120, 110, 100]), floats('s', [3], [3600, 3500, 3400])],
      ),
      [0, 255],
    ],
    [
      'normalized as a batch of 0..1, or of -1..1',
      scaled(
        [node('BatchNormalization', ['x', 'g', 'g', 'm', 's'], 't')],
        [floats('g', [3], [1, 1, 1]), floats('m', [3], [0.3, 0.2, 0.3]), floats('s', [3], [0.2, 0.3, 0.2])],
      ),
      null,
    ],
    [
      'scaled, then normalized as a batch',
      scaled(
        [node('Div', ['x', 'v'], 'd'), node('BatchNormalization', ['d', 'g', 'g', 'm', 's'], 't')],
        [of([255]), floats('g', [3], [1, 1, 1]), floats('m', [3], [0.3, 0.2, 0.3]), floats('s', [3], [0.2, 0.3, 0.2])],
      ),
      [0, 255],
    ],
    ['uint8', { ...scaled([node('Cast', ['x'], 't', { to: 1 })], []), dtype: 'uint8' }, [0, 255]],
    ['nothing', scaled([node('Relu', ['x'], 't')], []), null],
  ])('%s', (_, model, range) => {
    const { signature, assumptions } = signed(model);
    expect(signature.input.image).toMatchObject({ range: range ?? [0, 1], mean: [], deviation: [] });
    expect(assumptions.some((text) => text.includes('--pixels'))).toBe(range === null);
    if (range === null) return;
    expect(() => signed(model, { pixels: range[0] < 0 ? '0..1' : '-1..1' })).toThrow(
      /the file itself shows that 'x' takes/,
    );
  });

  it('can be told where the file does not show them', () => {
    const model = scaled([node('Relu', ['x'], 't')], []);
    const told = (pixels: SignatureOptions['pixels']) => signed(model, { pixels: pixels! }).signature.input.image;
    expect(told('0..255')).toMatchObject({ range: [0, 255], mean: [] });
    expect(told('-1..1')).toMatchObject({ range: [-1, 1], mean: [] });
    expect(told('imagenet')).toMatchObject({ range: [0, 1], mean, deviation });
    expect(signed(model, { pixels: 'imagenet' }).assumptions).toEqual([]);
    expect(() => signed(classifier(softmaxes.alone!), { pixels: 'imagenet' })).toThrow('use 0..1');
  });

  it.each<[HandMade['shape'], object | null]>([
    [[null, 1, 4, 5], { channels: 1, height: 4, width: 5, order: 'CHW' }],
    [[null, 4, 5, 3], { channels: 3, height: 4, width: 5, order: 'HWC' }],
    [[null, 4, 5], { channels: 1, height: 4, width: 5, order: 'HW' }],
    [[null, 16], { channels: 1, height: 4, width: 4, order: 'flat' }],
    [[null, 20], null],
    [[null, 4, 2, 2], null],
  ])('%j', (shape, image) => {
    const model = scaled([node('Relu', ['x'], 't')], [], shape);
    const { input } = signed(model).signature;
    expect(input).toMatchObject({ name: 'x', dtype: 'float32', shape: shape!.slice(1) });
    expect(input.image).toEqual(image && { ...image, range: [0, 1], mean: [], deviation: [] });
  });

  it.each<[string, HandMade, SignatureOptions['pixels']]>([
    ['0..255, channels last', scaled([node('Div', ['x', 'v'], 't')], [of([255])], [null, 2, 2, 3]), undefined],
    ['-1..1 in a line', scaled([node('Relu', ['x'], 't')], [], [null, 16]), '-1..1'],
    ['of ImageNet', scaled([node('Relu', ['x'], 't')], []), 'imagenet'],
  ])('to train with are 0..1, channels first: %s', async (_, made, pixels) => {
    const bytes = handMade(made);
    const { model, values, signature } = importOnnx(bytes, pixels && { pixels });
    const { channels, height, width, order, range, ...normal } = signature.input.image!;
    expect(model.input).toEqual({ dtype: 'float32', shape: [null, channels, height, width] });
    const area = height * width;
    const features = Float32Array.from({ length: channels * area }, (_, i) => ((i * 37) % 101) / 100);
    const numbers = features.map((v, i) => {
      const channel = Math.floor(i / area);
      return (range[0] + v * (range[1] - range[0]) - (normal.mean[channel] ?? 0)) / (normal.deviation[channel] ?? 1);
    });
    const inFile =
      order === 'HWC' ? numbers.map((_, i) => numbers[(i % channels) * area + Math.floor(i / channels)]!) : numbers;
    const logits = handMade({ ...made, outputs: ['z'] });
    const expected = await inRuntime(logits, inFile, [1, ...signature.input.shape], 'z');
    expect(largestDifference(await predict(model, values, features), expected)).toBeLessThan(1e-4);
  });
});

describe('what this toolkit wrote', () => {
  const image: ImageSignature = {
    channels: 1,
    height: 2,
    width: 2,
    order: 'CHW',
    range: [-1, 1],
    mean: [],
    deviation: [],
  };
  const own: Signature = {
    input: { name: 'x', dtype: 'float32', shape: [1, 2, 2], image },
    output: { name: 'z', kind: 'values', size: 3, names: ['a', 'b', 'c'] },
  };
  const written = (signature: Signature) =>
    classifier([node('Softmax', ['z'])], { outputs: ['y', 'z'], metadata: { signature: JSON.stringify(signature) } });

  it('counts', () => {
    expect(signed(written(own))).toEqual({ signature: own, assumptions: [] });
    expect(signed(written(own), { output: 'y' }).signature).toMatchObject({ input: own.input, output: { name: 'y' } });
    expect(() => signed(written(own), { pixels: '0..255' })).toThrow("shows that 'x' takes -1..1");
    expect(() => signed(written(own), { gives: 'logits' })).toThrow("shows that 'z' gives values");
  });

  it('but not if it is of another model', () => {
    const message = 'the signature in the metadata is not that of this model; export the model again';
    expect(() => signed(written({ ...own, output: { ...own.output, size: 2, names: null } }))).toThrow(message);
    expect(() => signed(written({ ...own, output: { ...own.output, name: 'gone' } }))).toThrow(message);
    expect(() => signed(written({ ...own, input: { ...own.input, shape: [1, 2, 3] } }))).toThrow(message);
    const tall = { ...image, height: 4, width: 1 };
    expect(() => signed(written({ ...own, input: { ...own.input, image: tall } }))).toThrow(message);
  });

  it('earlier: names of classes, and of pixels', () => {
    const before = (metadata: Record<string, string>) => signed(classifier(softmaxes.alone!, { metadata }));
    expect(before({ classNames: '["a","b","c"]' }).signature.output.names).toEqual(['a', 'b', 'c']);
    expect(before({ classNames: '["a","b"]' }).signature.output.names).toEqual(['a', 'b', '2']);
    expect(before({ classNames: '["a","b","c","d"]' }).signature.output.names).toBeNull();
    expect(before({ classNames: '{' }).signature.output.names).toBeNull();
    expect(before({ input: 'float32 [batch, 1, 2, 2]: pixels divided by 255' }).assumptions).toEqual([]);
  });
});
