// TensorBoard's events, as files of them have them: TensorFlow's event.proto and summary.proto, each in a frame of TFRecord.

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

export interface LoggedEvent {
  /** Seconds since 1970. */
  readonly time: number;
  /** Training steps that are done. */
  readonly step: number;
  /** What the event tells, one of these: the version that begins a file, the start of a resumed run, or values by tag. */
  readonly version?: string;
  readonly isRestart?: true;
  readonly values?: readonly LoggedValue[];
}

export type LoggedValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly numbers: ArrayLike<number> };

/** A frame: length, its checksum, the event, its checksum. */
export function encodeEvent(event: LoggedEvent): Uint8Array {
  const data = encode(event);
  const frame = new Uint8Array(data.length + 16);
  const view = new DataView(frame.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedChecksum(frame.subarray(0, 8)), true);
  frame.set(data, 12);
  view.setUint32(12 + data.length, maskedChecksum(data), true);
  return frame;
}

/** Numbers of fields and values of enums are those of the .proto files. */
function encode({ time, step, version, isRestart, values }: LoggedEvent): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Bit64).double(time);
  writer.tag(2, WireType.Varint).int64(step);
  if (version !== undefined) writer.tag(3, WireType.LengthDelimited).string(version);
  if (values) {
    writer.tag(5, WireType.LengthDelimited).fork();
    for (const value of values) encodeValue(writer.tag(1, WireType.LengthDelimited).fork(), value).join();
    writer.join();
  }
  if (isRestart) writer.tag(7, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(1).join();
  return writer.finish();
}

function encodeValue(writer: BinaryWriter, value: LoggedValue): BinaryWriter {
  writer.tag(1, WireType.LengthDelimited).string(value.tag);
  if ('scalar' in value) return writer.tag(2, WireType.Bit32).float(value.scalar);
  const { least, greatest, count, sum, squares, limits, buckets } = histogramOf(value.numbers);
  writer.tag(5, WireType.LengthDelimited).fork();
  for (const [i, number] of [least, greatest, count, sum, squares].entries()) {
    writer.tag(i + 1, WireType.Bit64).double(number);
  }
  for (const [field, numbers] of [limits, buckets].entries()) {
    writer.tag(6 + field, WireType.LengthDelimited).fork();
    for (const number of numbers) writer.double(number);
    writer.join();
  }
  return writer.join();
}

/** As many as TensorBoard shows. */
const bucketCount = 30;

/** Buckets of one width from the least to the greatest number; what is not finite is left out. */
function histogramOf(all: ArrayLike<number>) {
  const numbers = Float64Array.from(all).filter((value) => Number.isFinite(value));
  let [least, greatest, sum, squares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (const value of numbers) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
    sum += value;
    squares += value * value;
  }
  if (numbers.length === 0) [least, greatest] = [0, 0];
  const width = (greatest - least) / bucketCount;
  const buckets = new Float64Array(width > 0 ? bucketCount : 1);
  for (const value of numbers) {
    buckets[width > 0 ? Math.min(bucketCount - 1, Math.floor((value - least) / width)) : 0]!++;
  }
  const limits = Array.from(buckets, (_, i) => (i === buckets.length - 1 ? greatest : least + (i + 1) * width));
  return { least, greatest, count: numbers.length, sum, squares, limits, buckets };
}

/** CRC-32C (Castagnoli), rotated and moved on as TFRecord asks. */
function maskedChecksum(data: Uint8Array): number {
  let checksum = 0xffffffff;
  for (const byte of data) checksum = (checksum >>> 8) ^ table[(checksum ^ byte) & 255]!;
  checksum = ~checksum >>> 0;
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});
