// Files that are damaged, or made to do damage: a BnError, soon and without much memory.

import { BnError, batchNorm, conv2d, createGenerator, dense, flatten, predictionGraph, sequential } from '@bn/core';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { AttributeProto_AttributeType, ModelProtoSchema, TensorProto_DataLocation } from '../src/generated/onnx_pb.js';
import { exportInference, importNetwork, importOnnx } from '../src/index.js';
import { floats, handMade, ints, node } from './build-model.js';
import { randomValues, smallModel } from './small-network.js';

const tiny = smallModel(
  sequential({ conv: conv2d(1, { kernelSize: 7 }), bn: batchNorm(), flatten: flatten(), out: dense(2) }),
);
const bytes = exportInference(tiny, randomValues(tiny));

/** Whether the bytes are a model after all; anything but a BnError is a failure. */
function isTaken(hostile: Uint8Array): boolean {
  try {
    importNetwork(hostile);
    importOnnx(hostile);
    return true;
  } catch (error) {
    if (error instanceof BnError) return false;
    throw error;
  }
}

test('every truncation is refused', () => {
  // What is cut off from the end may be a part that the graph does not need, such as the opset's number.
  let taken = 0;
  for (let length = 0; length < bytes.length; length++) if (isTaken(bytes.subarray(0, length))) taken++;
  expect(taken).toBeLessThan(10);
});

test('thousands of nodes one behind the other are a model', () => {
  const nodes = Array.from({ length: 14_999 }, (_, i) =>
    node(i % 2 === 0 ? 'Tanh' : 'Sigmoid', [i === 0 ? 'x' : `v${i}`], `v${i + 1}`),
  );
  const { model } = importOnnx(handMade({ nodes: [...nodes, node('Flatten', ['v14999'], 'y')] }), { gives: 'values' });
  const { nodes: made } = predictionGraph(model, { shape: [2, ...model.input.shape.slice(1)], dtype: 'float32' });
  expect(made.length).toBeGreaterThanOrEqual(15_000);
  const again = exportInference(model, new Map());
  expect(importOnnx(again, { gives: 'values' }).model.input.shape).toEqual(model.input.shape);
});

test('thousands of flipped bytes do no harm', () => {
  const random = createGenerator(5);
  for (let i = 0; i < 4000; i++) {
    const flipped = Uint8Array.from(bytes);
    for (let n = 0; n <= i % 3; n++) flipped[random.integer(bytes.length)] = random.integer(256);
    isTaken(flipped);
  }
});

/** The tiny model, changed. */
function changed(change: (model: ReturnType<typeof fromBinary<typeof ModelProtoSchema>>) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  change(model);
  return toBinary(ModelProtoSchema, model);
}

const chain = (count: number) =>
  Array.from({ length: count }, (_, i) => node('Relu', [i === 0 ? 'x' : `v${i}`], i === count - 1 ? 'y' : `v${i + 1}`));

test.each<[string, string, () => Uint8Array]>([
  ['nothing', 'the file has no graph', () => new Uint8Array(0)],
  ['text', 'not an ONNX model', () => Uint8Array.from('{"a": 1}', (c) => c.charCodeAt(0))],
  [
    'huge dimensions',
    'has the impossible shape',
    () =>
      changed(({ graph }) => {
        graph!.initializer[0]!.dims = [2n ** 62n, 2n ** 62n];
      }),
  ],
  [
    'dimensions beyond the data',
    'values for the shape',
    () =>
      changed(({ graph }) => {
        graph!.initializer[0]!.dims = [1n, 2n, 1000n, 1000n];
      }),
  ],
  [
    'negative dimensions',
    'has the impossible shape',
    () =>
      changed(({ graph }) => {
        graph!.initializer[0]!.dims = [-1n, -98n];
      }),
  ],
  [
    'another element type',
    'has the element type STRING',
    () =>
      changed(({ graph }) => {
        graph!.initializer[0]!.dataType = 8;
      }),
  ],
  [
    'external data',
    'are in another file',
    () =>
      changed(({ graph }) => {
        graph!.initializer[0]!.dataLocation = TensorProto_DataLocation.EXTERNAL;
      }),
  ],
  [
    'a cycle',
    "nothing before it computes its input 'a'",
    () => handMade({ nodes: [node('Relu', ['a'], 'b'), node('Relu', ['b'], 'a'), node('Relu', ['a'])] }),
  ],
  [
    'a value computed twice',
    'is computed twice',
    () => handMade({ nodes: [node('Relu', ['x']), node('Relu', ['x'])] }),
  ],
  [
    'a stride of 0',
    'strides [0,0]',
    () => handMade({ nodes: [node('MaxPool', ['x'], 'y', { kernel_shape: [2, 2], strides: [0, 0] })] }),
  ],
  [
    'negative padding',
    'pads [-9,0,0,0]',
    () => handMade({ nodes: [node('MaxPool', ['x'], 'y', { kernel_shape: [2, 2], pads: [-9, 0, 0, 0] })] }),
  ],
  [
    'a window beyond the image',
    'does not fit',
    () => handMade({ nodes: [node('MaxPool', ['x'], 'y', { kernel_shape: [90, 2] })] }),
  ],
  [
    'an enormous result',
    'larger than anything',
    () => handMade({ nodes: [node('Pad', ['x', 'p'])], initializers: [ints('p', [0, 0, 2 ** 40, 0, 0, 0, 0, 0])] }),
  ],
  [
    'an enormous broadcast',
    'larger than anything',
    () =>
      handMade({
        shape: [null, 1, 1, 1],
        nodes: [node('Expand', ['x', 's'])],
        initializers: [ints('s', [1, 2 ** 20, 2 ** 20, 1])],
      }),
  ],
  [
    'an attribute of another type',
    "'kernel_shape' is INT instead of INTS",
    () => handMade({ nodes: [node('MaxPool', ['x'], 'y', { kernel_shape: 2 })] }),
  ],
  ['no inputs to a node', 'it has no input 0', () => handMade({ nodes: [node('Relu', [])] })],
  [
    'a group of 0',
    'group 0 makes no sense',
    () => handMade({ nodes: [node('Conv', ['x', 'w'], 'y', { group: 0 })], initializers: [floats('w', [1, 2, 1, 1])] }),
  ],
  ['more nodes than that', 'more than 20000', () => handMade({ nodes: chain(20_001) })],
  [
    'shapes that double',
    'so many integers',
    () =>
      handMade({
        nodes: [
          node('Shape', ['x'], 's0'),
          ...Array.from({ length: 60 }, (_, i) => node('Concat', [`s${i}`, `s${i}`], `s${i + 1}`, { axis: 0 })),
          node('Reshape', ['x', 's60']),
        ],
      }),
  ],
])('%s: refused with a reason', (_, message, make) => {
  const hostile = make();
  expect(() => importOnnx(hostile)).toThrow(message);
  expect(() => importOnnx(hostile)).toThrow(BnError);
});

test('graphs within attributes within graphs are refused before the stack ends', () => {
  let graph = create(ModelProtoSchema, { graph: { node: [{ opType: 'If', output: ['y'] }] } }).graph!;
  for (let i = 0; i < 3000; i++) {
    const attribute = { name: 'then_branch', type: AttributeProto_AttributeType.GRAPH, g: graph };
    graph = create(ModelProtoSchema, { graph: { node: [{ opType: 'If', output: ['y'], attribute: [attribute] }] } })
      .graph!;
  }
  let nested: Uint8Array;
  try {
    nested = toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph }));
  } catch {
    return; // so deep that it cannot even be written
  }
  expect(isTaken(nested)).toBe(false);
});
