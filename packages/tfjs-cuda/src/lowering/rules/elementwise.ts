// Elementwise operations: kernels of their own, but for casts, which kernels do each in their way.

import { ops, type PrimitiveName, sameShape, sizeOf, type Tensor } from '@bn/core';
import type { PlainBinary, PlainUnary, Ref } from '../../program/kernels.js';
import { binary, broadcastTo } from '../broadcast.js';
import { elementType, type Lowering } from '../lowering.js';
import type { Rule } from '../rule.js';
import { aligned } from './shape.js';

export const elementwise = {
  add: binaryRule('Add'),
  sub: binaryRule('Sub'),
  mul: binaryRule('Multiply'),
  div: binaryRule('RealDiv'),
  maximum: binaryRule('Maximum'),
  minimum: binaryRule('Minimum'),
  equal: binaryRule('Equal'),
  less: (node, lowering) => {
    // TensorFlow has no order of bools.
    const [a, b] = operands(node, lowering).map((x) => (x.dtype === 'bool' ? convert(lowering, x, 'int32') : x));
    return binary(lowering.builder, 'Less', a, b, 'bool');
  },
  neg: unaryRule('Neg'),
  exp: unaryRule('Exp'),
  log: unaryRule('Log'),
  sqrt: unaryRule('Sqrt'),
  tanh: unaryRule('Tanh'),
  sigmoid: unaryRule('Sigmoid'),
  erf: unaryRule('Erf'),
  relu: unaryRule('Relu'),
  where: (node, lowering) => {
    const { builder } = lowering;
    const all = operands(node, lowering);
    const shape = ops.broadcastShapes('where', all) as number[];
    const size = sizeOf(shape);
    const [condition, a, b] = all.map((x) => builder.reshape(broadcastTo(builder, x, shape), [size]));
    // The WebAssembly engine reads four bytes of whatever is chosen.
    const widened = lowering.engine === 'wasm' && a.dtype === 'bool';
    const choices = widened ? [a, b].map((x) => convert(lowering, x, 'int32')) : [a, b];
    const chosen = builder.call('Select', [condition, ...choices], {}, [size], choices[0].dtype);
    return builder.reshape(widened ? notZero(lowering, chosen) : chosen, shape);
  },
  cast: (node, lowering) => {
    const [from] = node.inputs;
    const x = lowering.ref(from, lowering.layout(node));
    const { dtype } = node.attributes;
    // Kernels cut 0.5 to 0 on the way to bool.
    if (dtype === 'bool') return from.dtype === 'bool' ? x : notZero(lowering, x);
    const converted = convert(lowering, x, elementType(dtype));
    if (dtype !== 'uint8' || from.dtype === 'bool' || from.dtype === 'uint8') return converted;
    return binary(
      lowering.builder,
      'BitwiseAnd',
      converted,
      lowering.builder.constant(Int32Array.of(255), [], 'int32'),
    );
  },
} satisfies Partial<{ [Op in PrimitiveName | 'relu']: Rule<Op> }>;

function unaryRule(kernel: PlainUnary) {
  return (node: Tensor, lowering: Lowering): Ref => {
    const x = lowering.ref(node.inputs[0], lowering.layout(node));
    const source = lowering.builder.beforeReshape(x);
    return lowering.builder.reshape(lowering.builder.call(kernel, [source], {}, source.shape), x.shape);
  };
}

function binaryRule(kernel: PlainBinary) {
  return (node: Tensor, lowering: Lowering): Ref => {
    const [a, b] = operands(node, lowering);
    return binary(lowering.builder, kernel, a, b, elementType(node.dtype));
  };
}

/** A node's operands in its layout and rank. What is repeated only to fit the others is taken as it was before. */
function operands(node: Tensor, lowering: Lowering): Ref[] {
  const sources = [...node.inputs];
  sources.forEach((x, i) => {
    if (x.op !== 'broadcastTo') return;
    const shorter = sources.map((source, j) => (i === j ? x.inputs[0] : source));
    const shape = lowering.sizes(ops.broadcastShapes(node.op, shorter));
    if (sameShape(shape, lowering.sizes(node.shape))) sources[i] = x.inputs[0];
  });
  return sources.map((x) => aligned(x, node.shape.length, lowering, lowering.layout(node)));
}

function convert({ builder }: Lowering, x: Ref, dtype: Ref['dtype']): Ref {
  return x.dtype === dtype ? x : builder.call('Cast', [x], { dtype }, x.shape, dtype);
}

function notZero({ builder }: Lowering, x: Ref): Ref {
  const zero = x.dtype === 'int32' ? builder.constant(Int32Array.of(0), [], 'int32') : builder.scalar(0);
  return binary(builder, 'NotEqual', x, zero, 'bool');
}
