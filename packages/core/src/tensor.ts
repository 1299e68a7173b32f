// A tensor while a network is being traced: a node of the graph to be, with its shape, dtype and where it came from.

import { BnError } from './errors.js';
import type { FusedAttributes, FusedName } from './ops/fused.js';
import type { PrimitiveAttributes, PrimitiveName } from './primitives.js';
import { type DType, formatShape, type Shape, sizeOf, type TypedArray } from './spec.js';

/** Operations of graphs: leaves, the closed set of primitives, and fused operations that decompose into primitives. */
export interface OperationAttributes extends PrimitiveAttributes, FusedAttributes {
  input: { readonly name: string };
  constant: { readonly data: TypedArray };
}
export type OperationName = 'input' | 'constant' | PrimitiveName | FusedName;

export type Direction = 'forward' | 'backward' | 'update';

/** Where in the network, and in which part of the step, a node was made. */
export interface Origin {
  /** Path of the layer, e.g. `block1.conv2`; empty outside all layers. */
  readonly layer: string;
  readonly direction: Direction;
}

/** A gradient that was given by hand, replacing the chain rule through the nodes behind it. */
export interface CustomGradient {
  readonly inputs: readonly Tensor[];
  readonly backward: (dy: Tensor, y: Tensor) => readonly (Tensor | null)[];
}

let tensorCount = 0;

export class Tensor<Op extends OperationName = OperationName> {
  readonly #number = tensorCount++;
  #key: string | undefined;
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attributes: OperationAttributes[Op];
  readonly shape: Shape;
  readonly dtype: DType;
  readonly origin: Origin;
  readonly customGradient?: CustomGradient | undefined;

  constructor(
    op: Op,
    inputs: readonly Tensor[],
    attributes: OperationAttributes[Op],
    spec: { shape: Shape; dtype: DType },
    more: { origin?: Origin | undefined; customGradient?: CustomGradient | undefined } = {},
  ) {
    this.op = op;
    this.inputs = inputs;
    this.attributes = attributes;
    this.shape = spec.shape;
    this.dtype = spec.dtype;
    this.origin = more.origin ?? currentOrigin;
    if (more.customGradient) this.customGradient = more.customGradient;
  }

  /** Equal for tensors that compute the same from the same operands. Small constants are compared by content, large ones by identity. */
  get key(): string {
    this.#key ??= isOp(this as Tensor, 'constant') ? keyOfConstant(this as never) : this.#keyByOperands();
    return this.#key;
  }

  #keyByOperands(): string {
    // Shape and dtype follow from the rest.
    let key: string = this.op;
    for (let i = 0; i < this.inputs.length; i++) key += ` ${this.inputs[i]!.#number}`;
    // Attributes are numbers, names and lists of numbers.
    for (const [name, value] of Object.entries(this.attributes))
      key += ` ${name}=${Object.is(value, -0) ? '-0' : value}`;
    return key;
  }
}

function keyOfConstant({ attributes: { data }, dtype, shape }: Tensor<'constant'>): string {
  // Object.is tells −0 from 0, join does not.
  const content = data.length <= 64 ? Array.from(data, (v) => (Object.is(v, -0) ? '-0' : v)).join() : numberOf(data);
  return `constant ${content} ${dtype} ${shape}`;
}

const numbers = new WeakMap<object, string>();
let numberCount = 0;

function numberOf(data: TypedArray): string {
  const number = numbers.get(data) ?? `#${numberCount++}`;
  numbers.set(data, number);
  return number;
}

/** A tensor known to be made by one of the given operations. */
export function isOp<Op extends OperationName>(x: Tensor, op: Op): x is Tensor<Op> {
  return x.op === op;
}

let currentOrigin: Origin = { layer: '', direction: 'forward' };

/** Runs `body`; nodes it makes carry this origin. Tracing is synchronous, so one variable is enough. */
export function withOrigin<T>(origin: { readonly [K in keyof Origin]?: Origin[K] | undefined }, body: () => T): T {
  const outer = currentOrigin;
  currentOrigin = { layer: origin.layer ?? outer.layer, direction: origin.direction ?? outer.direction };
  try {
    return body();
  } finally {
    currentOrigin = outer;
  }
}

/** The start of an error message: the layer being traced and the operation, e.g. `conv2 (conv2d)`. */
export function site(operation: string): string {
  return currentOrigin.layer === '' ? operation : `${currentOrigin.layer} (${operation})`;
}

/** An error `shape` of an operation or layer. */
export function shapeError(operation: string, message: string): BnError {
  return new BnError('shape', `${site(operation)}: ${message}`);
}

/** An error `argument` of an operation or layer. */
export function argumentError(operation: string, message: string): BnError {
  return new BnError('argument', `${site(operation)}: ${message}`);
}

/** Throws `shape` unless all sizes are integers of 0 or more; `null` is the symbolic batch. */
export function requireSizes(operation: string, shape: Shape): void {
  if (shape.every((n) => n === null || (Number.isSafeInteger(n) && n >= 0))) return;
  throw shapeError(operation, `the shape would be ${formatShape(shape)}; sizes must be integers of 0 or more`);
}

/** A graph input, fed by name at every run. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor<'input'> {
  requireSizes(`input '${name}'`, shape);
  return new Tensor('input', [], { name }, { shape, dtype });
}

/** A constant of the given shape; `data` is used as it is, not copied. */
export function constant(
  data: TypedArray | readonly number[],
  shape: Shape,
  dtype: DType = 'float32',
): Tensor<'constant'> {
  requireSizes('constant', shape);
  if (data.length !== sizeOf(shape)) {
    throw new BnError('shape', `constant: ${data.length} values do not fill the shape ${formatShape(shape)}`);
  }
  return new Tensor('constant', [], { data: toArray(data, dtype) }, { shape, dtype });
}

/** A constant without dimensions. */
export function scalar(value: number, dtype: DType = 'float32'): Tensor<'constant'> {
  return constant([value], [], dtype);
}

// Float constants keep float64 values when they are given as numbers, so that a float64 backend sees 1e-5, not its float32 neighbour.
function toArray(data: TypedArray | readonly number[], dtype: DType): TypedArray {
  if (ArrayBuffer.isView(data)) return data;
  if (dtype === 'float32') return Float64Array.from(data);
  return dtype === 'int32' ? Int32Array.from(data) : Uint8Array.from(data);
}
