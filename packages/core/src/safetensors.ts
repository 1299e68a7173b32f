// The safetensors file format (https://github.com/huggingface/safetensors): a JSON header, then the raw tensors.

import { BnError } from './errors.js';
import { formatShape, type HostTensor } from './spec.js';

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

/** The CRC-32 of zlib, of a number of parts as of one. */
function crc32(parts: readonly Uint8Array[]): number {
  const table = Int32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
    return value;
  });
  let crc = -1;
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) crc = (crc >>> 8) ^ table[(crc ^ part[i]!) & 255]!;
  }
  return ~crc >>> 0;
}

/** Of all that a file says: the header without the checksum itself, as JSON, and the tensors. */
function checksumOf(header: object, body: readonly Uint8Array[]): string {
  return `crc32 ${crc32([new TextEncoder().encode(JSON.stringify(header)), ...body])}`;
}

/** The bytes of a file with these float32 tensors, in their order, text metadata, and a checksum in that. */
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
  const body = [...tensors.values()].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  header.__metadata__ = { ...metadata, checksum: checksumOf(header, body) };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + Math.ceil(text.length / 8) * 8; // tensors start aligned; the header is padded with spaces
  const bytes = new Uint8Array(start + offset);
  bytes.fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(text, 8);
  let position = start;
  for (const part of body) {
    bytes.set(part, position);
    position += part.length;
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
  const header = parseHeader(bytes.subarray(8, 8 + headerLength));
  const { __metadata__: all = {}, ...rest } = header;
  if (!isTextTable(all)) throw damaged('its metadata is not a table of strings');
  const { checksum, ...metadata } = all;
  const entries = Object.entries(rest).map(([name, entry]) => [name, requireEntry(name, entry)] as const);
  const body = bytes.subarray(8 + headerLength);
  requireTiles(entries, body.length);
  if (checksum !== undefined && checksum !== checksumOf({ ...header, __metadata__: metadata }, [body])) {
    throw damaged('its checksum differs, so that bytes have changed');
  }
  const wanted = entries.filter(([name]) => isWanted(name));
  return { tensors: new Map(wanted.map(([name, entry]) => [name, readTensor(name, entry, body)])), metadata };
}

function requireEntry(name: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Partial<Record<keyof Entry, unknown>>;
  const areWhole = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (typeof dtype !== 'string' || !areWhole(shape) || !areWhole(offsets) || offsets.length !== 2) {
    throw damaged(`the entry of '${name}' is malformed`);
  }
  return { dtype, shape, data_offsets: offsets as [number, number] };
}

/** As the format wants it: the tensors follow each other without gaps or overlaps, and nothing follows the last. */
function requireTiles(entries: readonly (readonly [string, Entry])[], length: number): void {
  const tiles = entries.map(([name, { data_offsets: offsets }]) => ({ name, from: offsets[0], to: offsets[1] }));
  let end = 0;
  for (const { name, from, to } of tiles.sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (to < from || to > length) throw damaged(`the data of '${name}' is incomplete`);
    if (from !== end)
      throw damaged(`the data of '${name}' ${from < end ? 'overlaps that of another' : 'follows a gap'}`);
    end = to;
  }
  if (end !== length) throw damaged(`${length - end} bytes follow its tensors`);
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

function readTensor(name: string, { dtype, shape, data_offsets: [from, to] }: Entry, body: Uint8Array): HostTensor {
  const type = Object.hasOwn(types, dtype) ? types[dtype] : undefined;
  if (!type) {
    const known = Object.keys(types).join(', ');
    throw new BnError('checkpoint', `tensor '${name}' has the type ${dtype}; ${known} are read, convert the file`);
  }
  const size = shape.reduce((a, b) => a * b, 1);
  if (to - from !== type.bytes * size) {
    throw new BnError(
      'checkpoint',
      `tensor '${name}' is ${formatShape(shape)} of ${dtype}, but has ${to - from} bytes; use another copy`,
    );
  }
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
