// The safetensors file format (https://github.com/huggingface/safetensors): a JSON header, then the raw tensors.

import { BnError } from './errors.js';
import type { HostTensor } from './spec.js';

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

interface Type {
  readonly bytes: number;
  /** Null for float32, which is copied as it is. */
  readonly read: ((view: DataView, at: number) => number) | null;
}

/** Element types that are read, all into float32. */
const types: Readonly<Record<string, Type>> = {
  F32: { bytes: 4, read: null },
  F64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  F16: { bytes: 2, read: (view, at) => fromBits(view.getUint16(at, true), 5, 10) },
  BF16: { bytes: 2, read: (view, at) => fromBits(view.getUint16(at, true), 8, 7) },
};

/** The number whose bits are a sign, so many of an exponent, and so many of a fraction. */
function fromBits(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const [most, one] = [2 ** exponentBits - 1, 2 ** fractionBits];
  const [exponent, fraction] = [(bits >> fractionBits) & most, bits % one];
  if (exponent === most) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  // Below the smallest exponent the fraction has no 1 before it.
  const scale = 2 ** (Math.max(1, exponent) - (most - 1) / 2 - fractionBits);
  return sign * scale * (exponent === 0 ? fraction : one + fraction);
}

/** The bytes of a file with these float32 tensors, in their order, and text metadata. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + Math.ceil(text.length / 8) * 8; // tensors start aligned; the header is padded with spaces
  const bytes = new Uint8Array(start + offset);
  bytes.fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(text, 8);
  let position = start;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/**
 * The tensors and metadata of a file.
 *
 * @param isWanted by name; other tensors are left out, whatever their type
 * @throws `checkpoint` if the bytes are not a complete safetensors file of floats.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  isWanted: (name: string) => boolean = () => true,
): { tensors: Map<string, HostTensor>; metadata: Record<string, string> } {
  if (bytes.length < 8) throw damaged(`${bytes.length} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > bytes.length - 8 && (bytes[0] === 0x80 || (bytes[0] === 0x50 && bytes[1] === 0x4b))) {
    const cure = 'save the weights by safetensors.torch.save_file(model.state_dict(), "weights.safetensors")';
    throw new BnError('checkpoint', `the file is a pickle, as torch.save writes; ${cure}`);
  }
  if (headerLength > bytes.length - 8) throw damaged(`the header would have ${headerLength} bytes`);
  const { __metadata__: metadata = {}, ...entries } = parseHeader(bytes.subarray(8, 8 + headerLength));
  if (!isTextTable(metadata)) throw damaged('its metadata is not a table of strings');
  const tensors = new Map<string, HostTensor>();
  for (const [name, entry] of Object.entries(entries as Record<string, Entry>)) {
    if (isWanted(name)) tensors.set(name, readTensor(name, entry, bytes.subarray(8 + headerLength)));
  }
  return { tensors, metadata };
}

function isTextTable(value: unknown): value is Record<string, string> {
  return value !== null && typeof value === 'object' && Object.values(value).every((text) => typeof text === 'string');
}

function damaged(why: string): BnError {
  const cure = 'it may be cut off, use another copy';
  return new BnError('checkpoint', `the file is not a complete safetensors file: ${why}; ${cure}`);
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (header !== null && typeof header === 'object' && !Array.isArray(header))
      return header as Record<string, unknown>;
  } catch {
    // falls through to the one message
  }
  throw damaged('its header is not a JSON object');
}

function readTensor(name: string, entry: Entry, body: Uint8Array): HostTensor {
  const { dtype, shape, data_offsets: offsets } = entry ?? {};
  const whole = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(whole) || !Array.isArray(offsets) || !offsets.every(whole)) {
    throw damaged(`the entry of '${name}' is malformed`);
  }
  const type = Object.hasOwn(types, dtype) ? types[dtype] : undefined;
  if (!type) {
    const known = Object.keys(types).join(', ');
    throw new BnError('checkpoint', `tensor '${name}' has the type ${dtype}; ${known} are read, convert the file`);
  }
  const [from, to] = offsets as [number, number];
  const size = shape.reduce((a, b) => a * b, 1);
  if (to - from !== type.bytes * size || to > body.length) throw damaged(`the data of '${name}' is incomplete`);
  const data = new Float32Array(size);
  const { bytes, read } = type;
  if (read) {
    const view = new DataView(body.buffer, body.byteOffset + from, to - from);
    return { shape, data: data.map((_, i) => read(view, bytes * i)) };
  }
  // Copied: the bytes may lie at an odd address, and slice() of a Node Buffer copies nothing.
  new Uint8Array(data.buffer).set(body.subarray(from, to));
  return { shape, data };
}
