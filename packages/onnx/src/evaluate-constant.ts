// Computes, in float64, what depends on parameters and constants alone: the few operations that scales and shifts of
// channels are made of.

import { type HostTensor, isOp, ops, sizeOf, stridesOf, type Tensor } from '@bn/core';

export interface HostArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Larger results are not worth computing: scales and shifts have one number per channel. */
const largest = 2 ** 20;

const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

/** Gives the value of a node, or undefined if it depends on the data or on an operation that is not computed here. */
export function createEvaluator(values: ReadonlyMap<string, HostTensor>): (x: Tensor) => HostArray | undefined {
  const known = new Map<Tensor, HostArray | undefined>();
  const evaluate = (x: Tensor): HostArray | undefined => {
    if (!known.has(x)) known.set(x, compute(x));
    return known.get(x);
  };
  const compute = (x: Tensor): HostArray | undefined => {
    if (x.dtype !== 'float32') return undefined;
    if (isOp(x, 'constant')) return { shape: x.shape as number[], data: Float64Array.from(x.attributes.data) };
    if (isOp(x, 'input')) {
      const value = values.get(x.attributes.name);
      return value && { shape: value.shape, data: Float64Array.from(value.data) };
    }
    const operands = x.inputs.map(evaluate);
    if (!operands.every((operand) => operand !== undefined)) return undefined;
    const [a, b] = operands;
    const operation = binary[x.op];
    if (operation) return combine(a!, b!, operation);
    if (isOp(x, 'sqrt')) return { shape: a!.shape, data: a!.data.map(Math.sqrt) };
    if (isOp(x, 'reshape')) return { shape: x.shape as number[], data: a!.data };
    if (isOp(x, 'broadcastTo')) {
      return combine(a!, { shape: x.shape as number[], data: new Float64Array(0) }, (value) => value);
    }
    return undefined;
  };
  return evaluate;
}

function combine(a: HostArray, b: HostArray, operation: (a: number, b: number) => number): HostArray | undefined {
  const shape = ops.broadcastShapes('constant', [a, b]) as number[];
  const size = sizeOf(shape);
  if (size > largest) return undefined;
  const data = new Float64Array(size);
  const [fromA, fromB] = [offsets(a.shape, shape), offsets(b.shape, shape)];
  for (let i = 0; i < size; i++) data[i] = operation(a.data[fromA(i)]!, b.data[fromB(i)]!);
  return { shape, data };
}

/** Where an element of the broadcast result comes from. */
function offsets(from: readonly number[], to: readonly number[]): (index: number) => number {
  const aligned = [...Array<number>(to.length - from.length).fill(1), ...from];
  const [strides, steps] = [stridesOf(aligned), stridesOf(to)];
  return (index) =>
    aligned.reduce((offset, n, axis) => offset + (Math.floor(index / steps[axis]!) % n) * strides[axis]!, 0);
}
