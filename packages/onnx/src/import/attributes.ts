// A node's attributes, with checks: a file may hold anything.

import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type TensorProto,
} from '../generated/onnx_pb.js';
import { damaged } from './damaged.js';

export class Attributes {
  readonly #attributes: ReadonlyMap<string, AttributeProto>;
  readonly #title: string;

  constructor(attributes: readonly AttributeProto[], title: string) {
    this.#attributes = new Map(attributes.map((attribute) => [attribute.name, attribute]));
    this.#title = title;
  }

  int(name: string, preset: number): number {
    const found = this.#get(name, AttributeType.INT);
    return found ? Number(found.i) : preset;
  }

  float(name: string, preset: number): number {
    const found = this.#get(name, AttributeType.FLOAT);
    return found ? found.f : preset;
  }

  /** Undefined if it is left out. */
  ints(name: string): readonly number[] | undefined {
    return this.#get(name, AttributeType.INTS)?.ints.map(Number);
  }

  string(name: string, preset: string): string {
    const found = this.#get(name, AttributeType.STRING);
    return found ? String.fromCharCode(...found.s.subarray(0, 64)) : preset;
  }

  tensor(name: string): TensorProto | undefined {
    return this.#get(name, AttributeType.TENSOR)?.t;
  }

  /** One number or several, whole or not. */
  numbers(name: string): readonly number[] | undefined {
    const found = this.#attributes.get(name);
    if (!found) return undefined;
    if (found.type === AttributeType.INT) return [Number(found.i)];
    if (found.type === AttributeType.FLOAT) return [found.f];
    return found.type === AttributeType.INTS ? found.ints.map(Number) : found.floats;
  }

  #get(name: string, type: AttributeType): AttributeProto | undefined {
    const found = this.#attributes.get(name);
    if (!found || found.type === type) return found;
    const types = `${AttributeType[found.type]} instead of ${AttributeType[type]}`;
    throw damaged(`${this.#title}: the attribute '${name}' is ${types}`);
  }
}
