// Each imported operator, in the forms that exporters write, against ONNX Runtime; and what is not imported.

import { classification, createTrainer, regression, sgd, type Tensor } from '@bn/core';
import { openModel } from '@bn/onnxruntime-cuda';
import { createBackend } from '@bn/reference';
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { TensorProtoSchema } from '../src/generated/onnx_pb.js';
import { rules } from '../src/import/rules.js';
import { importNetwork } from '../src/index.js';
import { tensorProto } from '../src/model-proto.js';
import { floats, type HandMade, handMade, ints, node } from './build-model.js';
import { largestDifference } from './small-network.js';

const w = floats('w', [3, 2, 3, 3]);
const flat = [node('Flatten', ['x'], 'f')];
const sum = (prediction: Tensor) => prediction;
const last = 2 ** 31 - 1;
const bools = (name: string, values: readonly number[]) => tensorProto(name, 'bool', [], Uint8Array.from(values));
const statistics = [
  floats('s', [2], [0.5, 1.5]),
  floats('b', [2], [0.1, -0.2]),
  floats('m', [2], [3, 4]),
  floats('v', [2], [5, 6]),
];

const cases: Readonly<Record<string, HandMade>> = {
  'Conv, SAME_UPPER': {
    nodes: [node('Conv', ['x', 'w'], 'y', { auto_pad: 'SAME_UPPER', strides: [2, 2] })],
    initializers: [w],
  },
  'Conv, SAME_LOWER': {
    nodes: [node('Conv', ['x', 'w'], 'y', { auto_pad: 'SAME_LOWER', strides: [2, 3] })],
    initializers: [w],
  },
  'Conv, VALID': {
    nodes: [node('Conv', ['x', 'w'], 'y', { auto_pad: 'VALID', dilations: [2, 1] })],
    initializers: [w],
  },
  'Conv, groups and bias': {
    nodes: [node('Conv', ['x', 'g', 'b'], 'y', { group: 2, pads: [1, 0, 2, 1] })],
    initializers: [floats('g', [4, 1, 2, 2]), floats('b', [4])],
  },
  'MaxPool, ceil_mode': {
    nodes: [node('MaxPool', ['x'], 'y', { kernel_shape: [2, 2], strides: [2, 4], ceil_mode: 1 })],
  },
  'MaxPool, SAME_LOWER': { nodes: [node('MaxPool', ['x'], 'y', { kernel_shape: [2, 3], auto_pad: 'SAME_LOWER' })] },
  'AveragePool, ceil_mode': {
    nodes: [node('AveragePool', ['x'], 'y', { kernel_shape: [2, 2], strides: [2, 4], ceil_mode: 1 })],
  },
  'AveragePool, padding': { nodes: [node('AveragePool', ['x'], 'y', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })] },
  'AveragePool, padding counted': {
    nodes: [node('AveragePool', ['x'], 'y', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 })],
  },
  GlobalAveragePool: { nodes: [node('GlobalAveragePool', ['x'])] },
  Gemm: {
    nodes: [...flat, node('Gemm', ['f', 'm', 'b'], 'y', { alpha: { float: 0.5 }, beta: { float: 2 } })],
    initializers: [floats('m', [60, 3]), floats('b', [3])],
  },
  'MatMul and Add': {
    nodes: [...flat, node('MatMul', ['f', 'm'], 'p'), node('Add', ['b', 'p'])],
    initializers: [floats('m', [60, 3]), floats('b', [3])],
  },
  'MatMul with a transposed weight': {
    nodes: [...flat, node('Transpose', ['m'], 't', { perm: [1, 0] }), node('MatMul', ['f', 't'])],
    initializers: [floats('m', [3, 60])],
  },
  'BatchNormalization whose scale is shared': {
    nodes: [node('Identity', ['s'], 'i'), node('BatchNormalization', ['x', 's', 'i', 's', 's'])],
    initializers: [floats('s', [2], [0.5, 1.5])],
  },
  'BatchNormalization with the outputs of training': {
    opset: 9,
    nodes: [{ ...node('BatchNormalization', ['x', 's', 'b', 'm', 'v']), output: ['y', 'm1', 'v1', 'm2', 'v2'] }],
    initializers: statistics,
  },
  'BatchNormalization in training mode': {
    opset: 15,
    nodes: [
      {
        ...node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], 'y', { training_mode: 1 }),
        output: ['y', 'm1', 'v1'],
      },
    ],
    initializers: statistics,
  },
  'Gemm whose C is not read': {
    nodes: [...flat, node('Gemm', ['f', 'm', 'b'], 'y', { beta: { float: 0 } })],
    initializers: [floats('m', [60, 3]), floats('b', [3], [Number.NaN, 1, Number.POSITIVE_INFINITY])],
  },
  'ReduceMean over the batch': {
    nodes: [node('ReduceMean', ['x'], 'm', { axes: [0, 2], keepdims: 1 }), node('Sub', ['x', 'm'])],
  },
  'Dropout not in training mode': {
    nodes: [node('Dropout', ['x', 'rate', 'training'])],
    initializers: [floats('rate', [], [0.3]), bools('training', [0])],
  },
  'Softmax before opset 13': { opset: 11, nodes: [node('Softmax', ['x'])] },
  'Softmax on an axis': { nodes: [node('Softmax', ['x'], 'y', { axis: 2 })] },
  'Softmax before opset 13, of the last axes': { opset: 11, nodes: [node('Softmax', ['x'], 'y', { axis: 2 })] },
  LogSoftmax: { nodes: [node('LogSoftmax', ['x'])] },
  LeakyRelu: { nodes: [node('LeakyRelu', ['x'], 'y', { alpha: { float: 0.2 } })] },
  PRelu: { nodes: [node('PRelu', ['x', 'slopes'])], initializers: [floats('slopes', [2, 1, 1], [0.1, 0.3])] },
  Elu: { nodes: [node('Elu', ['x'], 'y', { alpha: { float: 0.7 } })] },
  HardSigmoid: { nodes: [node('HardSigmoid', ['x'], 'y', { alpha: { float: 0.8 } })] },
  HardSwish: { nodes: [node('HardSwish', ['x'])] },
  Reciprocal: { nodes: [node('Exp', ['x'], 'e'), node('Reciprocal', ['e'])] },
  GlobalMaxPool: { nodes: [node('GlobalMaxPool', ['x'])] },
  'Clip by attributes': { opset: 10, nodes: [node('Clip', ['x'], 'y', { min: { float: -0.1 }, max: { float: 0.2 } })] },
  'Clip by inputs, one left out': { nodes: [node('Clip', ['x', '', 'max'])], initializers: [floats('max', [], [0.1])] },
  Dropout: { nodes: [node('Dropout', ['x'])] },
  'Reshape with 0 and -1': { nodes: [node('Reshape', ['x', 's'])], initializers: [ints('s', [0, 6, -1])] },
  'Reshape with the batch as -1': { nodes: [node('Reshape', ['x', 's'])], initializers: [ints('s', [-1, 60])] },
  'shapes computed with the batch': {
    nodes: [
      node('Shape', ['x'], 'shape'),
      node('Gather', ['shape', 'zero'], 'batch'),
      node('Unsqueeze', ['batch', 'axes'], 'batches'),
      node('Slice', ['shape', 'one', 'end'], 'rest'),
      node('Mul', ['rest', 'one'], 'same'),
      node('Gather', ['same', 'zero'], 'channels'),
      node('Unsqueeze', ['channels', 'axes'], 'c'),
      node('Concat', ['batches', 'c', 'minus'], 'target', { axis: 0 }),
      node('Cast', ['target'], 'cast', { to: 7 }),
      node('Reshape', ['x', 'cast']),
    ],
    initializers: [
      ints('zero', [0], []),
      ints('axes', [0]),
      ints('one', [1]),
      ints('end', [last]),
      ints('minus', [-1]),
    ],
  },
  'Squeeze and Unsqueeze by attributes': {
    opset: 11,
    nodes: [
      node('Unsqueeze', ['x'], 'u', { axes: [0, 2] }),
      node('Squeeze', ['u'], 's', { axes: [0, 2] }),
      node('Relu', ['s']),
    ],
  },
  'Squeeze by an input': {
    nodes: [node('ReduceMean', ['x'], 'm', { axes: [1] }), node('Squeeze', ['m', 'a'])],
    initializers: [ints('a', [1])],
  },
  'ReduceMean by an input': {
    opset: 18,
    nodes: [node('ReduceMean', ['x', 'a'], 'y', { keepdims: 0 })],
    initializers: [ints('a', [-1, 1])],
  },
  Transpose: { nodes: [node('Transpose', ['x'], 'y', { perm: [0, 2, 3, 1] })] },
  'Slice, from the end': {
    nodes: [node('Slice', ['x', 's', 'e', 'a'])],
    initializers: [ints('s', [-3, 1]), ints('e', [last, -1]), ints('a', [2, 3])],
  },
  'Slice by attributes': { opset: 9, nodes: [node('Slice', ['x'], 'y', { starts: [1], ends: [4], axes: [2] })] },
  'Pad by an input': {
    nodes: [node('Pad', ['x', 'p', 'v'])],
    initializers: [ints('p', [0, 0, 1, 2, 0, 0, 0, 1]), floats('v', [], [0.5])],
  },
  'Pad by attributes': {
    opset: 10,
    nodes: [node('Pad', ['x'], 'y', { pads: [0, 0, 1, 2, 0, 1, 0, 1], value: { float: 2 } })],
  },
  'Gather of channels': {
    nodes: [node('Gather', ['x', 'i'], 'y', { axis: 1 })],
    initializers: [ints('i', [-1, 0, 1])],
  },
  'Gather by computed indices, also from the end': {
    nodes: [node('Cast', ['x'], 'i', { to: 7 }), node('Gather', ['table', 'i'])],
    initializers: [floats('table', [3, 2])],
  },
  'Concat, Sub, Mul, Div': {
    nodes: [
      node('Sub', ['x', 'a'], 'b'),
      node('Mul', ['b', 'a'], 'c'),
      node('Div', ['c', 'three'], 'd'),
      node('Concat', ['x', 'b', 'd'], 'y', { axis: 1 }),
    ],
    initializers: [floats('a', [1, 2, 1, 1]), floats('three', [], [3])],
  },
  'Sqrt, Log, Neg, Sigmoid, Tanh, Erf': {
    nodes: [
      node('Exp', ['x'], 'e'),
      ...['Sqrt', 'Log', 'Neg', 'Sigmoid', 'Tanh', 'Erf'].map((operator) => node(operator, ['e'], operator)),
      node('Concat', ['Sqrt', 'Log', 'Neg', 'Sigmoid', 'Tanh', 'Erf'], 'y', { axis: 1 }),
    ],
  },
  'Max and Min of several': {
    nodes: [node('Neg', ['x'], 'n'), node('Max', ['x', 'n', 'a'], 'm'), node('Min', ['m', 'b'])],
    initializers: [floats('a', [], [0.25]), floats('b', [2, 1, 1], [0.5, 0.75])],
  },
  'Equal, Less, Greater, Where': {
    nodes: [
      node('Relu', ['x'], 'r'),
      ...[node('Equal', ['r', 'zero'], 'is'), node('Less', ['x', 'half'], 'l'), node('Greater', ['x', 'half'], 'g')],
      ...[node('Where', ['is', 'half', 'x'], 'a'), node('Where', ['l', 'a', 'zero'], 'b')],
      ...[node('Cast', ['g'], 'c', { to: 1 }), node('Add', ['b', 'c'])],
    ],
    initializers: [floats('zero', [], [0]), floats('half', [], [0.5])],
  },
  'ReduceSum by an input, ReduceMax by an attribute': {
    nodes: [node('ReduceSum', ['x', 'a'], 's'), node('ReduceMax', ['s'], 'y', { axes: [-1], keepdims: 0 })],
    initializers: [ints('a', [1])],
  },
  'ArgMax, the first of equal ones': {
    nodes: [
      node('Relu', ['x'], 'r'),
      node('ArgMax', ['r'], 'i', { axis: 3, keepdims: 0 }),
      node('Cast', ['i'], 'y', { to: 1 }),
    ],
  },
  'ConvTranspose, groups, bias, output_padding': {
    nodes: [
      node('ConvTranspose', ['x', 'g', 'b'], 'y', {
        ...{ group: 2, strides: [2, 3], pads: [1, 0, 0, 1], output_padding: [1, 0] },
      }),
    ],
    initializers: [floats('g', [2, 3, 3, 2]), floats('b', [6])],
  },
  'Conv and pooling along one axis': {
    shape: [null, 4, 15],
    nodes: [
      node('Conv', ['x', 'g', 'b'], 'c', { group: 2, pads: [1, 2], strides: [2] }),
      node('MaxPool', ['c'], 'm', { kernel_shape: [2], strides: [2] }),
      node('AveragePool', ['m'], 'a', { kernel_shape: [3], pads: [1, 1] }),
      node('GlobalAveragePool', ['a']),
    ],
    initializers: [floats('g', [6, 2, 3]), floats('b', [6])],
  },
  'AveragePool, ceil_mode and padding counted': {
    nodes: [
      node('AveragePool', ['x'], 'y', {
        ...{ kernel_shape: [3, 3], strides: [2, 3], pads: [1, 1, 1, 0], ceil_mode: 1, count_include_pad: 1 },
      }),
    ],
  },
  LpPool: { nodes: [node('LpPool', ['x'], 'y', { kernel_shape: [2, 3], strides: [1, 2] })] },
  'LpPool of absolute values': { nodes: [node('LpPool', ['x'], 'y', { kernel_shape: [2, 2], p: 1 })] },
  'Sum and Mean of several': {
    nodes: [node('Sum', ['x', 'a', 'x'], 's'), node('Mean', ['s', 'x', 'b'])],
    initializers: [floats('a', [], [0.25]), floats('b', [2, 1, 1], [0.5, 0.75])],
  },
  'Abs, Sign, Floor, Ceil, Round': {
    nodes: [
      node('Mul', ['x', 'five'], 'z'),
      ...['Abs', 'Sign', 'Floor', 'Ceil', 'Round'].map((operator) => node(operator, ['z'], operator)),
      node('Concat', ['Abs', 'Sign', 'Floor', 'Ceil', 'Round'], 'y', { axis: 1 }),
    ],
    // 5/2 of a fiftieth: halves are among them.
    initializers: [floats('five', [], [25])],
  },
  'Pow by whole and other exponents': {
    nodes: [
      node('Pow', ['x', 'three'], 'a'),
      ...[node('Exp', ['x'], 'e'), node('Pow', ['e', 'minus'], 'b'), node('Pow', ['e', 'odd'], 'c')],
      ...[node('Pow', ['e', 'half'], 'd'), node('Pow', ['e', 'x'], 'f')],
      node('Concat', ['a', 'b', 'c', 'd', 'f'], 'y', { axis: 1 }),
    ],
    initializers: [
      ...[floats('three', [], [3]), floats('minus', [], [-2]), floats('odd', [], [1.7]), floats('half', [], [0.5])],
    ],
  },
  'Celu, Selu, ThresholdedRelu': {
    nodes: [
      node('Celu', ['x'], 'a', { alpha: { float: 0.6 } }),
      node('Selu', ['x'], 'b'),
      node('ThresholdedRelu', ['x'], 'c', { alpha: { float: 0.3 } }),
      node('Concat', ['a', 'b', 'c'], 'y', { axis: 1 }),
    ],
  },
  'Softplus, Softsign, Mish': {
    opset: 18,
    nodes: [
      ...['Softplus', 'Softsign', 'Mish'].map((operator) => node(operator, ['x'], operator)),
      node('Concat', ['Softplus', 'Softsign', 'Mish'], 'y', { axis: 1 }),
    ],
  },
  Swish: { opset: 24, nodes: [node('Swish', ['x'], 'y', { alpha: { float: 0.7 } })] },
  Gelu: {
    opset: 20,
    nodes: [
      node('Gelu', ['x'], 'a'),
      node('Gelu', ['x'], 'b', { approximate: 'tanh' }),
      node('Concat', ['a', 'b'], 'y', { axis: 1 }),
    ],
  },
  'LessOrEqual, GreaterOrEqual, Not, And, Or, Xor': {
    nodes: [
      ...[node('LessOrEqual', ['x', 'low'], 'l'), node('GreaterOrEqual', ['x', 'high'], 'g')],
      ...[node('Less', ['x', 'high'], 's'), node('Not', ['l'], 'n')],
      ...[node('And', ['n', 's'], 'and'), node('Or', ['l', 'g'], 'or'), node('Xor', ['l', 's'], 'xor')],
      ...['l', 'g', 'n', 'and', 'or', 'xor'].map((name) => node('Cast', [name], `${name}1`, { to: 1 })),
      node('Concat', ['l1', 'g1', 'n1', 'and1', 'or1', 'xor1'], 'y', { axis: 1 }),
    ],
    initializers: [floats('low', [], [-0.2]), floats('high', [], [0.4])],
  },
  'reductions, whole and along axes': {
    opset: 13,
    nodes: [
      node('Abs', ['x'], 'p'),
      ...['ReduceMin', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSumExp'].map((operator) =>
        node(operator, ['x'], operator, { axes: [2, 3], keepdims: 1 }),
      ),
      node('ReduceLogSum', ['p'], 'ReduceLogSum', { axes: [-1, 2], keepdims: 1 }),
      node('ReduceLogSumExp', ['x'], 'flat', { axes: [3], keepdims: 0 }),
      node('ReduceMin', ['flat'], 'lowest', { axes: [2], keepdims: 0 }),
      node('Unsqueeze', ['lowest', 'last'], 'again'),
      node(
        'Concat',
        ['ReduceMin', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSumExp', 'ReduceLogSum', 'again'],
        'y',
        { axis: 1 },
      ),
    ],
    initializers: [ints('last', [2, 3])],
  },
  ArgMin: {
    nodes: [node('ArgMin', ['x'], 'i', { axis: 2 }), node('Cast', ['i'], 'y', { to: 1 })],
  },
  'Split by an input, its parts in another order': {
    nodes: [
      { ...node('Split', ['x', 's'], 'a', { axis: 3 }), output: ['a', 'b', 'c'] },
      node('Concat', ['c', 'a', 'b'], 'y', { axis: 3 }),
    ],
    initializers: [ints('s', [1, 3, 2])],
  },
  'Split by an attribute, and in equal parts': {
    opset: 11,
    nodes: [
      { ...node('Split', ['x'], 'a', { axis: 2, split: [2, 3] }), output: ['a', 'b'] },
      { ...node('Split', ['b'], 'c', { axis: 3 }), output: ['c', 'd'] },
      node('Concat', ['d', 'c'], 'y', { axis: 2 }),
    ],
  },
  'Split of a shape': {
    nodes: [
      node('Shape', ['x'], 's'),
      { ...node('Split', ['s', 'parts'], 'batch', { axis: 0 }), output: ['batch', 'rest'] },
      node('Concat', ['batch', 'minus'], 'target', { axis: 0 }),
      node('Reshape', ['x', 'target']),
    ],
    initializers: [ints('parts', [1, 3]), ints('minus', [-1])],
  },
  'ConstantOfShape with the batch': {
    nodes: [node('Shape', ['x'], 's'), node('ConstantOfShape', ['s'], 'c'), node('Add', ['x', 'c'])],
  },
  Tile: { nodes: [node('Tile', ['x', 'n'])], initializers: [ints('n', [1, 2, 1, 3])] },
  'DepthToSpace, SpaceToDepth': {
    shape: [null, 8, 2, 3],
    nodes: [
      node('DepthToSpace', ['x'], 'd', { blocksize: 2 }),
      node('DepthToSpace', ['x'], 'c', { blocksize: 2, mode: 'CRD' }),
      node('Concat', ['d', 'c'], 'b', { axis: 1 }),
      node('SpaceToDepth', ['b'], 'y', { blocksize: 2 }),
    ],
  },
  'Pad by reflection and by the edge': {
    nodes: [
      node('Pad', ['x', 'p'], 'a', { mode: 'reflect' }),
      node('Pad', ['x', 'p'], 'b', { mode: 'edge' }),
      node('Concat', ['a', 'b'], 'y', { axis: 1 }),
    ],
    initializers: [ints('p', [0, 0, 2, 1, 0, 0, 1, 3])],
  },
  'Slice in steps, also backwards': {
    nodes: [node('Slice', ['x', 's', 'e', 'a', 't'])],
    initializers: [ints('s', [-1, 1]), ints('e', [-last, 6]), ints('a', [2, 3]), ints('t', [-2, 3])],
  },
  LayerNormalization: {
    nodes: [node('LayerNormalization', ['x', 's', 'b'], 'y', { axis: 2, epsilon: { float: 1e-3 } })],
    initializers: [floats('s', [5, 6]), floats('b', [5, 6])],
  },
  InstanceNormalization: {
    nodes: [node('InstanceNormalization', ['x', 's', 'b'])],
    initializers: [floats('s', [2], [0.5, 1.5]), floats('b', [2])],
  },
  'GroupNormalization, by channel': {
    opset: 21,
    shape: [null, 4, 3, 5],
    nodes: [node('GroupNormalization', ['x', 's', 'b'], 'y', { num_groups: 2 })],
    initializers: [floats('s', [4]), floats('b', [4])],
  },
  LRN: {
    shape: [null, 6, 3, 3],
    nodes: [node('LRN', ['x'], 'y', { size: 3, alpha: { float: 0.3 }, bias: { float: 2 } })],
  },
  LpNormalization: {
    nodes: [
      node('LpNormalization', ['x'], 'a', { axis: 1 }),
      node('LpNormalization', ['x'], 'b', { axis: -1, p: 1 }),
      node('Concat', ['a', 'b'], 'y', { axis: 1 }),
    ],
  },
  MeanVarianceNormalization: { nodes: [node('MeanVarianceNormalization', ['x'], 'y', { axes: [2, 3] })] },
  ...Object.fromEntries(
    ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'].flatMap((coordinates) =>
      ['nearest', 'linear'].map((mode): [string, HandMade] => [
        `Resize, ${mode}, ${coordinates}`,
        {
          nodes: [node('Resize', ['x', '', 'scales'], 'y', { mode, coordinate_transformation_mode: coordinates })],
          initializers: [floats('scales', [4], [1, 1, 1.7, 0.6])],
        },
      ]),
    ),
  ),
  ...Object.fromEntries(
    ['round_prefer_ceil', 'floor', 'ceil'].map((nearest): [string, HandMade] => [
      `Resize to a size, nearest, ${nearest}`,
      {
        opset: 18,
        nodes: [node('Resize', ['x', '', '', 'size'], 'y', { nearest_mode: nearest, axes: [2, 3] })],
        initializers: [ints('size', [3, 11])],
      },
    ]),
  ),
  Upsample: {
    opset: 9,
    nodes: [node('Upsample', ['x', 'scales'])],
    initializers: [floats('scales', [4], [1, 1, 2, 3])],
  },
  'Resize before opset 11': {
    opset: 10,
    nodes: [node('Resize', ['x', 'scales'], 'y', { mode: 'linear' })],
    initializers: [floats('scales', [4], [1, 1, 2, 1.5])],
  },
  'Resize, cubic, wider for smaller images': {
    opset: 18,
    nodes: [
      node('Resize', ['x', '', 'scales'], 'a', { mode: 'cubic', exclude_outside: 1 }),
      node('Resize', ['x', '', 'scales'], 'b', { mode: 'linear', antialias: 1 }),
      node('Concat', ['a', 'b'], 'y', { axis: 1 }),
    ],
    initializers: [floats('scales', [4], [1, 1, 0.6, 1.5])],
  },
  'ConvTranspose to a size': {
    nodes: [
      node('ConvTranspose', ['x', 'u'], 'a', { strides: [2, 2], output_shape: [10, 12] }),
      node('ConvTranspose', ['x', 'u'], 'b', { strides: [2, 2], auto_pad: 'SAME_UPPER' }),
      node('Sub', ['a', 'b']),
    ],
    initializers: [floats('u', [2, 1, 3, 3])],
  },
  'LpPool of cubes': { nodes: [node('LpPool', ['x'], 'y', { kernel_shape: [2, 2], p: 3 })] },
  Einsum: {
    nodes: [
      node('Einsum', ['x', 'm'], 'a', { equation: 'b c h w, w h k -> k b c' }),
      node('Einsum', ['x', 'x'], 'b', { equation: 'bchw,bciw->bich' }),
      node('Einsum', ['x', 'n'], 'h', { equation: 'bchw,kh->hb' }),
      node('Einsum', ['h'], 'c', { equation: 'hb->b' }),
      node('ReduceSum', ['a', 'axes'], 'd', { keepdims: 0 }),
      node('Unsqueeze', ['c', 'one'], 'f'),
      node('ReduceSum', ['b', 'rest'], 'g', { keepdims: 0 }),
      node('Concat', ['d', 'f', 'g'], 'y', { axis: 1 }),
    ],
    initializers: [
      ...[floats('m', [6, 5, 4]), floats('n', [3, 5])],
      ...[ints('axes', [0]), ints('one', [1]), ints('rest', [2, 3])],
    ],
  },
  'MatMul of lines': {
    nodes: [node('MatMul', ['x', 'm'], 'l'), node('MatMul', ['n', 'l'])],
    initializers: [floats('m', [6]), floats('n', [1, 2])],
  },
  ReduceProd: { opset: 18, nodes: [node('ReduceProd', ['x', 'a'])], initializers: [ints('a', [1, 3])] },
  'the last of several equal ones': {
    nodes: [
      node('Abs', ['x'], 'a'),
      node('Round', ['a'], 'r'),
      node('ArgMax', ['r'], 'i', { axis: 3, select_last_index: 1 }),
      node('Cast', ['i'], 'y', { to: 1 }),
    ],
  },
  'numbers that shapes are computed with': {
    nodes: [
      node('Shape', ['x'], 'shape', { start: 1 }),
      node('ReduceProd', ['shape'], 'all', { keepdims: 0 }),
      node('Size', ['shape'], 'rank'),
      node('Mod', ['all', 'seven'], 'rest'), // 60 mod 7 is 4
      node('Max', ['rest', 'rank'], 'four'),
      node('Equal', ['four', 'seven'], 'isSeven'),
      node('Where', ['isSeven', 'rank', 'four'], 'chosen'),
      node('Range', ['zero', 'chosen', 'two'], 'even'), // 0 and 2
      node('CastLike', ['even', 'x'], 'numbers'),
      node('ReduceSum', ['numbers', 'axis'], 'sum'),
      node('Add', ['x', 'sum']),
    ],
    initializers: [ints('seven', [7], []), ints('zero', [0], []), ints('two', [2], []), ints('axis', [0])],
  },
  'integers in two directions': {
    nodes: [node('Add', ['row', 'column'], 's'), node('CastLike', ['s', 'x'], 'c'), node('Mul', ['x', 'c'])],
    initializers: [ints('row', [1, 2, 3, 4, 5, 6], [1, 6]), ints('column', [10, 20, 30, 40, 50], [5, 1])],
  },
  'ScatterND, GatherND of weights': {
    nodes: [
      node('ScatterND', ['w', 'i', 'u'], 's'),
      node('GatherND', ['s', 'j'], 'g'),
      node('ReduceSum', ['g', 'a'], 'r', { keepdims: 0 }),
      node('Add', ['x', 's'], 'y1'),
      node('Add', ['y1', 'r']),
    ],
    initializers: [
      ...[floats('w', [5, 6]), floats('u', [3], [7, 8, 9]), ints('i', [1, 2, 4, -1, 0, 0], [3, 2])],
      ...[ints('j', [1, 2, 4, -1], [2, 2]), ints('a', [0])],
    ],
  },
  'ScatterND by indices computed with shapes, as PyTorch writes an assignment to a part of a tensor': {
    nodes: [
      node('Shape', ['x'], 's'),
      node('Slice', ['s', 'two', 'four'], 'image'),
      node('ConstantOfShape', ['image'], 'zeros'),
      node('Gather', ['s', 'height'], 'h', { axis: 0 }),
      node('Gather', ['s', 'width'], 'w', { axis: 0 }),
      node('Range', ['nothing', 'h', 'one'], 'rows'),
      node('Range', ['one', 'w', 'one'], 'columns'),
      node('Reshape', ['rows', 'column'], 'r'),
      node('Add', ['r', 'columns'], 'both'),
      node('Shape', ['both'], 'part'),
      ...['r', 'columns'].flatMap((name) => [
        node('Expand', [name, 'part'], `${name} of all`),
        node('Unsqueeze', [`${name} of all`, 'last'], `${name} index`),
      ]),
      node('Concat', ['r index', 'columns index'], 'i', { axis: -1 }),
      node('Expand', ['value', 'part'], 'v'),
      node('ScatterND', ['zeros', 'i', 'v'], 'mask'),
      node('Add', ['x', 'mask']),
    ],
    initializers: [
      ...[ints('two', [2]), ints('four', [4]), ints('height', [2], []), ints('width', [3], []), ints('last', [-1])],
      ...[ints('nothing', [0], []), ints('one', [1], []), ints('column', [-1, 1]), floats('value', [], [3])],
    ],
  },
  'ScatterND with reductions, several into one place': {
    opset: 18,
    nodes: [
      node('ScatterND', ['w', 'i', 'u'], 'added', { reduction: 'add' }),
      node('ScatterND', ['added', 'i', 'u'], 'multiplied', { reduction: 'mul' }),
      node('ScatterND', ['multiplied', 'i', 'high'], 'raised', { reduction: 'max' }),
      node('ScatterND', ['raised', 'i', 'low'], 'lowered', { reduction: 'min' }),
      node('Add', ['x', 'lowered']),
    ],
    initializers: [
      ...[floats('w', [5, 6]), ints('i', [1, 2, 4, -1, 1, 2, 0, 0, 1, 2], [5, 2]), floats('u', [5], [3, 2, -4, 5, 2])],
      ...[floats('high', [5], [-99, 7, -98, 6, -97]), floats('low', [5], [5, 6.5, 4, 99, 3])],
    ],
  },
  'GatherND with batch_dims': {
    nodes: [
      node('GatherND', ['w', 'i'], 'g', { batch_dims: 1 }),
      node('Reshape', ['g', 's'], 'r'),
      node('Add', ['x', 'r']),
    ],
    initializers: [floats('w', [5, 3, 4, 6]), ints('i', [0, 1, 2, 3, -1, 0, 1, 1, 2, -2], [5, 2]), ints('s', [5, 6])],
  },
  'arithmetic of bytes, which wraps around': {
    // All pairs of these, with 0 as the first only.
    opset: 14,
    nodes: [
      ...['Add', 'Sub', 'Mul', 'Div', 'Mod'].flatMap((operator) => [
        node(operator, ['a', 'b'], `${operator}8`),
        node('Cast', [`${operator}8`], operator, { to: 1 }),
      ]),
      node('Concat', ['Add', 'Sub', 'Mul', 'Div', 'Mod'], 'all', { axis: 0 }),
      node('Mul', ['x', 'all']),
    ],
    initializers: [
      tensorProto('a', 'uint8', [1, 6], Uint8Array.of(0, 1, 7, 128, 254, 255)),
      tensorProto('b', 'uint8', [1, 6], Uint8Array.of(255, 3, 7, 2, 255, 16)),
    ],
  },
  'reductions of nothing': {
    opset: 20,
    nodes: [
      node('Mul', ['empty', 'empty'], 'squares'),
      node('Exp', ['squares'], 'e'),
      node('ReduceSum', ['e', 'a'], 'zero'),
      node('ReduceProd', ['e', 'a'], 'one'),
      node('ReduceL2', ['e', 'a'], 'norm', { keepdims: 0 }),
      node('ReduceMax', ['e', 'a'], 'max'),
      node('ReduceLogSumExp', ['e', 'a'], 'log'),
      node('Concat', ['max', 'log'], 'infinite', { axis: 0 }),
      node('Reciprocal', ['infinite'], 'zeros'),
      node('Sign', ['infinite'], 'signs'),
      node('Sum', ['x', 'zero', 'one', 'norm', 'zeros', 'signs']),
    ],
    initializers: [floats('empty', [0, 5, 6]), ints('a', [0])],
  },
  'Einsum with dots, of a diagonal, and without the output': {
    nodes: [
      node('Einsum', ['x', 'm'], 'a', { equation: '...hw,wk->...kh' }),
      node('Einsum', ['a', 'n'], 'b', { equation: '...kk,k' }),
      node('Einsum', ['m', 'm'], 'c', { equation: 'ij,ij' }),
      node('Einsum', ['c'], 'd', { equation: '->' }),
      node('Mul', ['b', 'd']),
    ],
    initializers: [floats('m', [6, 5]), floats('n', [5])],
  },
  'ConvTranspose to more than the kernel reaches': {
    nodes: [node('ConvTranspose', ['x', 'u'], 'y', { strides: [3, 2], output_shape: [16, 14] })],
    initializers: [floats('u', [2, 3, 3, 3])],
  },
  'as_strided of a batch of one': {
    shape: [1, 2, 5, 6],
    nodes: [node('Reshape', ['x', 'flat'], 'f'), node('Gather', ['f', 'i'], 'g'), node('Relu', ['g'])],
    initializers: [ints('flat', [-1]), ints('i', [3, 59, -60, 7, 20, 3], [1, 2, 3])],
  },
  'weights of float16': {
    nodes: [node('Cast', ['h'], 'w', { to: 1 }), node('Mul', ['x', 'w'])],
    initializers: [
      create(TensorProtoSchema, {
        ...{ name: 'h', dataType: 10, dims: [6n] },
        // 1, −2, the smallest, one that is not normal, 65504, 1/3
        rawData: new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x0200, 0x7bff, 0x3555).buffer),
      }),
    ],
  },
  RMSNormalization: {
    opset: 23,
    nodes: [node('RMSNormalization', ['x', 's'], 'y', { axis: -1 })],
    initializers: [floats('s', [6])],
  },
  Expand: { nodes: [node('Expand', ['x', 's'])], initializers: [ints('s', [2, 1, 2, 1, 1])] },
  'a Constant': { nodes: [node('Constant', [], 'c', { value_float: { float: 2 } }), node('Mul', ['x', 'c'])] },
};

async function differenceFrom(
  bytes: Uint8Array,
  count: number,
  example: readonly number[] = [2, 5, 6],
): Promise<number> {
  const size = count * example.reduce((a, b) => a * b);
  const images = Float32Array.from({ length: size }, (_, i) => (((i * 37) % 101) - 50) / 50);
  const open = await openModel(bytes, { threads: 1 });
  const { y } = await open.run({ x: { data: images, spec: { shape: [count, ...example], dtype: 'float32' } } });
  await open.dispose();
  const backend = await createBackend();
  const { model } = importNetwork(bytes);
  const trainer = await createTrainer({ model, backend, objective: { ...regression(), loss: sum }, optimizer: sgd() });
  const got = await trainer.predict(images);
  await trainer.dispose();
  await backend.dispose();
  return largestDifference(got, y!.data);
}

test.each(Object.entries(cases))('%s', async (_, model) => {
  const example = model.shape?.slice(1) as readonly number[] | undefined;
  for (const count of model.shape?.[0] === 1 ? [1] : [1, 3])
    expect(await differenceFrom(handMade(model), count, example)).toBeLessThan(1e-5);
});

test('every operator that is imported has a case', () => {
  const tried = Object.values(cases).flatMap(({ nodes }) => nodes.map(({ opType }) => opType));
  expect(Object.keys(rules).filter((operator) => !tried.includes(operator))).toEqual([]);
});

test('SpaceToDepth by columns first takes back what DepthToSpace does, and a norm of 0 divides nothing', async () => {
  // ONNX Runtime has neither yet.
  const nodes = [
    node('DepthToSpace', ['x'], 'd', { blocksize: 2, mode: 'CRD' }),
    node('SpaceToDepth', ['d'], 's', { blocksize: 2, mode: 'CRD' }),
    node('Sub', ['s', 'x'], 'zero'),
    node('LpNormalization', ['zero'], 'n', { axis: 1 }),
    node('Add', ['n', 's']),
  ];
  const { model } = importNetwork(handMade({ opset: 28, shape: [null, 8, 2, 3], nodes }));
  const backend = await createBackend();
  const trainer = await createTrainer({ model, backend, objective: { ...regression(), loss: sum }, optimizer: sgd() });
  const images = Float32Array.from({ length: 96 }, (_, i) => i);
  expect(await trainer.predict(images)).toEqual(images);
  await trainer.dispose();
  await backend.dispose();
});

test('height and width that are open in the file are those that are asked for, and nothing else is', async () => {
  const nodes = [node('GlobalAveragePool', ['x'])];
  const shapeOf = (shape: (number | null)[], options: object) =>
    importNetwork(handMade({ shape, nodes }), options).model.input.shape;
  expect(shapeOf([null, 3, null, null], { imageSize: 8 })).toEqual([null, 3, 8, 8]);
  expect(shapeOf([null, null, null, 3], { imageSize: 8 })).toEqual([null, 8, 8, 3]);
  expect(shapeOf([null, 3, 5, 6], { imageSize: 8 })).toEqual([null, 3, 5, 6]);
  expect(() => shapeOf([null, null, 5, 6], { imageSize: 8 })).toThrow('[?, ?, 5, 6]');
  expect(shapeOf([null, null, 5, 6], { shape: [null, 2, 5, 6] })).toEqual([null, 2, 5, 6]);
  expect(() => shapeOf([null, 2, 5, 6], { shape: [null, 2, 5, 7] })).toThrow('cannot be [batch, 2, 5, 7]');
});

test('a batch size that the file has as a number is any', async () => {
  const nodes = [node('Reshape', ['x', 's'])];
  const bytes = handMade({ shape: [2, 2, 5, 6], nodes, initializers: [ints('s', [2, 60])] });
  expect(importNetwork(bytes).model.input.shape).toEqual([null, 2, 5, 6]);
  expect(await differenceFrom(bytes, 2)).toBe(0);
});

test('a batch of one that the file joins with other axes is any: the file says what becomes of one example', async () => {
  // As attention in ViT: [5, 1, 12] of the sequence becomes [5, heads, 6].
  const nodes = [
    node('Transpose', ['x'], 't', { perm: [2, 0, 1, 3] }),
    node('Reshape', ['t', 'joined'], 'j'),
    node('Transpose', ['j'], 'q', { perm: [1, 0, 2] }),
    node('Transpose', ['j'], 'k', { perm: [1, 2, 0] }),
    node('MatMul', ['q', 'k'], 'products'),
    node('Softmax', ['products'], 's', { axis: -1 }),
    node('MatMul', ['s', 'q'], 'a'),
    node('Reshape', ['a', 'line'], 'l'),
    node('MatMul', ['l', 'w']),
  ];
  const initializers = [ints('joined', [5, 2, 6]), ints('line', [1, 60]), floats('w', [60, 3])];
  const bytes = handMade({ shape: [1, 2, 5, 6], nodes, initializers });
  const images = Float32Array.from({ length: 180 }, (_, i) => (((i * 37) % 101) - 50) / 50);
  const open = await openModel(bytes, { threads: 1 });
  const expected: number[] = [];
  for (let i = 0; i < 180; i += 60) {
    const spec = { shape: [1, 2, 5, 6], dtype: 'float32' } as const;
    expected.push(...Array.from((await open.run({ x: { data: images.slice(i, i + 60), spec } })).y!.data, Number));
  }
  await open.dispose();
  const backend = await createBackend();
  const { model } = importNetwork(bytes);
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd() });
  expect(largestDifference(await trainer.predict(images), Float32Array.from(expected))).toBeLessThan(1e-5);
  const before = await trainer.values();
  await trainer.step({ features: images, labels: Int32Array.of(0, 1, 2) }, { learningRate: 0.1 });
  expect((await trainer.values()).get('w')!.data).not.toEqual(before.get('w')!.data);
  await trainer.dispose();
  await backend.dispose();
});

test.each<[string, HandMade]>([
  ["node 'LSTM_y' (LSTM, opset 17): this operator is not imported", { nodes: [node('LSTM', ['x'])] }],
  ["node 'constructor_y' (constructor, opset 17): this operator", { nodes: [node('constructor', ['x'])] }],
  ['the model has opset 6; 7 to 28 are imported', { opset: 6, nodes: [node('Relu', ['x'])] }],
  [
    'auto_pad SOME; that is not imported',
    { nodes: [node('Conv', ['x', 'w'], 'y', { auto_pad: 'SOME' })], initializers: [w] },
  ],
  [
    'it drops values at random (training_mode); export the model in evaluation mode',
    {
      nodes: [node('Dropout', ['x', 'rate', 'training'])],
      initializers: [floats('rate', [], [0.3]), bools('training', [1])],
    },
  ],
  [
    '(Pad, opset 17): the mode mirror; that is not imported',
    { nodes: [node('Pad', ['x', 'p'], 'y', { mode: 'mirror' })], initializers: [ints('p', [0, 0, 0, 0, 0, 0, 1, 1])] },
  ],
  ['a part of the batch', { nodes: [node('Slice', ['x', 's', 'e'])], initializers: [ints('s', [0]), ints('e', [1])] }],
  [
    'it computes with the size of the batch',
    { nodes: [node('Shape', ['x'], 's'), node('Mul', ['s', 's'], 't'), node('Reshape', ['x', 't'])] },
  ],
  [
    "input 'x' has the shape [?, ?, 5, 6]; every size but the batch's",
    { shape: [null, null, 5, 6], nodes: [node('Relu', ['x'])] },
  ],
  [
    'a scale for each group, as before opset 21,',
    {
      ...{ opset: 18, nodes: [node('GroupNormalization', ['x', 's', 's'], 'y', { num_groups: 2 })] },
      initializers: [floats('s', [2])],
    },
  ],
  ['joins the batch with other axes', { nodes: [node('Flatten', ['x'], 'y', { axis: 2 })] }],
  ['joins the batch with other axes', { nodes: [node('Flatten', ['x'], 'y', { axis: 0 })] }],
  ['joins the batch with other axes', { opset: 9, nodes: [node('Softmax', ['x'], 'y', { axis: 0 })] }],
  [
    "[batch, 2, 5, 6] cannot become [-1, 72]; the model's input 'x' is [batch, 2, 5, 6]: if it was exported with another",
    { nodes: [node('Reshape', ['x', 's'])], initializers: [ints('s', [-1, 72])] },
  ],
  [
    "the model's input 'x' is [batch, 2, 5, 6]: if it",
    { nodes: [...flat, node('Gemm', ['f', 'm'])], initializers: [floats('m', [72, 3])] },
  ],
  [
    'expected float32 inputs of one type, got int32 [batch, 2, 5, 6] and int32 []',
    {
      nodes: [node('Cast', ['x'], 'i', { to: 7 }), node('Div', ['i', 'two'])],
      initializers: [ints('two', [2], [])],
    },
  ],
  ['its input 1 must not depend on the data', { nodes: [node('Reshape', ['x', 'x'])] }],
])('%s', (message, model) => {
  expect(() => importNetwork(handMade(model))).toThrow(message);
});
