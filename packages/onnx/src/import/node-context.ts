// What a rule gets to make an operator's value: the node's inputs as they are wanted, its attributes, the trace.

import { BnError, formatShape, type Scope, type Shape, type Tensor } from '@bn/core';
import type { Attributes } from './attributes.js';
import { damaged } from './damaged.js';
import type { OnnxNode } from './read-graph.js';
import { type Constant, isConstant, tensorOf, type Value } from './value.js';
import type { BatchNormWeights, Weight } from './weights.js';

/** What all nodes of a trace share. */
export interface TraceContext {
  readonly opset: number;
  readonly scope: Scope;
  /** Size of the batch in this trace; null where it is left open. */
  readonly batch: number | null;
  /** The number that the file has in place of the batch, which may be in shapes it computes with. */
  readonly fixedBatch: number | null;
  /** Whether batch normalization learns, or stays as in the file. */
  readonly batchNorm: 'frozen' | 'trained';
  readonly values: ReadonlyMap<string, Value>;
  /** Weights of a BatchNormalization: scale, bias, mean, variance. */
  batchNormWeights(node: OnnxNode): BatchNormWeights | undefined;
  /** The parameter or state that is a weight. */
  declare(weight: Weight): Tensor;
  /** Sets what a state is after the step. */
  update(weight: Weight, next: Tensor): void;
}

export class NodeContext {
  readonly node: OnnxNode;
  readonly trace: TraceContext;
  readonly opset: number;
  readonly attributes: Attributes;

  constructor(node: OnnxNode, trace: TraceContext) {
    this.node = node;
    this.trace = trace;
    this.opset = trace.opset;
    this.attributes = node.attributes;
  }

  has(i: number): boolean {
    return (this.node.inputs[i] ?? '') !== '';
  }

  value(i: number): Value {
    const value = this.trace.values.get(this.node.inputs[i] ?? '');
    if (value) return value;
    if (this.has(i)) throw this.unsupported(`its input '${this.node.inputs[i]}' is an output that is not imported`);
    throw damaged(`it has no input ${i}`);
  }

  tensor(i: number): Tensor {
    const value = this.value(i);
    return isConstant(value) ? tensorOf(value) : value;
  }

  /** All inputs. */
  tensors(): Tensor[] {
    return this.node.inputs.map((_, i) => this.tensor(i));
  }

  /** An input that has to be known. */
  constant(i: number): Constant {
    const value = this.value(i);
    if (isConstant(value)) return value;
    throw this.unsupported(`its input ${i} must not depend on the data`);
  }

  /** Integers that are known; `null` is the batch size. */
  sizes(i: number): readonly (number | null)[] {
    const { dtype, data } = this.constant(i);
    if (dtype === 'float32') throw damaged(`its input ${i} must be integers`);
    return data as readonly (number | null)[];
  }

  integers(i: number): readonly number[] {
    const sizes = this.sizes(i);
    if (!sizes.includes(null)) return sizes as readonly number[];
    throw this.unsupported('it depends on the size of the batch');
  }

  /** One number that is known. */
  number(i: number): number {
    const { data } = this.constant(i);
    const [value] = data;
    if (data.length === 1 && value != null) return value;
    throw this.unsupported(`its input ${i} must be one number`);
  }

  /** Axes from an attribute, or in newer operator sets from an input; undefined if there are none. */
  axes(i: number): readonly number[] | undefined {
    return this.attributes.ints('axes') ?? (this.has(i) ? this.integers(i) : undefined);
  }

  /** An axis counted from the front; throws `data` if x has no such axis. */
  axis(axis: number, shape: Shape): number {
    const result = axis < 0 ? axis + shape.length : axis;
    if (Number.isInteger(result) && result >= 0 && result < Math.max(1, shape.length)) return result;
    throw damaged(`axis ${axis} is none of ${formatShape(shape)}`);
  }

  unsupported(what: string): BnError {
    return new BnError('unsupported', `${what}; that is not imported`);
  }
}
