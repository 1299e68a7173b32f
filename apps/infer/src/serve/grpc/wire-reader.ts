// Protocol Buffers, value by value: for messages of strangers, which a decoder would make into an object for every byte or two.
// https://protobuf.dev/programming-guides/encoding

import { HttpError } from '../http-error.js';

/** How values are written. */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

export interface Field {
  readonly number: number;
  readonly type: number;
}

export class WireReader {
  readonly #bytes: Buffer;
  /** The position of the next value. */
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  field(): Field {
    const tag = this.varint();
    return { number: Math.floor(tag / 8), type: tag & 7 };
  }

  /** An integer of 64 bits. Beyond 2 ** 53 it is rounded, which does not bring it back below. */
  varint(isSigned = false): number {
    let [low, high] = [0, 0];
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) refuse();
      const bits = byte & 127;
      if (shift <= 28) low |= bits << shift;
      if (shift === 28) high = bits >> 4;
      else if (shift > 28) high |= bits << (shift - 32);
      if (byte < 128) return (isSigned ? high : high >>> 0) * 2 ** 32 + (low >>> 0);
    }
    return refuse();
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#pass(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#pass(8));
  }

  /** Bytes behind their length. */
  bytes(): Buffer {
    const length = this.varint();
    const from = this.#pass(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** Passes over the value of a field that is of no use. */
  skip({ type }: Field): void {
    if (type === wireTypes.varint) this.varint();
    else if (type === wireTypes.fixed64) this.#pass(8);
    else if (type === wireTypes.fixed32) this.#pass(4);
    else if (type === wireTypes.bytes) this.bytes();
    else refuse();
  }

  #pass(length: number): number {
    const from = this.at;
    this.at += length;
    return this.at <= this.#bytes.length ? from : refuse();
  }
}

function refuse(): never {
  throw new HttpError(400, 'the message is damaged, or of another kind');
}

/** A field of bytes. */
export function bytesField(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + wireTypes.bytes), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}
