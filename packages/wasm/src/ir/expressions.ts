// Short constructors of expressions.

import type { DType } from '@bn/core';
import type { BinaryOperation, Expression, Kind, UnaryOperation } from './nest.js';

export function constant(value: number, kind: Kind = 'f32'): Expression {
  return { op: 'constant', kind, value };
}

export function unary(op: UnaryOperation, x: Expression): Expression {
  return { op, kind: x.kind, operands: [x] };
}

export function binary(op: BinaryOperation, a: Expression, b: Expression): Expression {
  const comparison = op === 'equal' || op === 'less';
  if (comparison && a.kind === 'mask') return binary(op, convert(a, 'int32'), convert(b, 'int32'));
  return { op, kind: comparison ? 'mask' : a.kind, operands: [a, b] };
}

export function where(condition: Expression, a: Expression, b: Expression): Expression {
  return { op: 'where', kind: a.kind, operands: [condition, a, b] };
}

/** A cast; floats are cut towards zero. */
export function convert(x: Expression, dtype: DType): Expression {
  if (dtype === 'float32') return x.kind === 'f32' ? x : { op: 'toFloat', kind: 'f32', operands: [x] };
  if (dtype === 'bool') return x.kind === 'mask' ? x : { op: 'toMask', kind: 'mask', operands: [x] };
  const integer: Expression = x.kind === 'i32' ? x : { op: 'toInteger', kind: 'i32', operands: [x] };
  return dtype === 'uint8' ? { op: 'toByte', kind: 'i32', operands: [integer] } : integer;
}
