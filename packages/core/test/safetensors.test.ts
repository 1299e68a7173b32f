import { describe, expect, test } from 'vitest';
import {
  BnError,
  createGenerator,
  decodeCheckpoint,
  decodeSafetensors,
  encodeCheckpoint,
  encodeSafetensors,
} from '../src/index.js';

const tensors = new Map([
  ['conv1.weight', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, -0) }],
  ['scalar', { shape: [], data: Float32Array.of(Math.PI) }],
]);

const position = { seed: 1, epoch: 2, step: 3, steps: 9, sums: { loss: 1.5, accuracy: 3 }, examples: 9, seconds: 2 };

/** A file as another program may write it: without a checksum. */
function fileOf(header: unknown, body: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(body, 8 + text.length);
  return bytes;
}

function entryOf(shape: readonly number[], from: number, to: number) {
  return { dtype: 'F32', shape, data_offsets: [from, to] };
}

describe('safetensors', () => {
  test('come back as they were, with their metadata', () => {
    const bytes = encodeSafetensors(tensors, { note: 'ü "quoted"' });
    expect(decodeSafetensors(bytes)).toEqual({ tensors, metadata: { note: 'ü "quoted"' } });
    // Bytes that do not lie at a multiple of four, as a file read in Node may.
    const moved = new Uint8Array(bytes.length + 1);
    moved.set(bytes, 1);
    expect(decodeSafetensors(moved.subarray(1))).toEqual(decodeSafetensors(bytes));
  });

  test('have an aligned header, as other readers want it', () => {
    const bytes = encodeSafetensors(tensors);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))['conv1.weight']).toEqual({
      dtype: 'F32',
      shape: [2, 3],
      data_offsets: [0, 24],
    });
  });

  test('are refused when cut off anywhere, with one clear error', () => {
    const bytes = encodeSafetensors(tensors, { note: 'x' });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length))).toThrow(BnError);
    }
  });

  // Values from NumPy and PyTorch.
  test.each<[string, ArrayBufferView, number[]]>([
    [
      'F16',
      Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x7bff, 0x0001, 0x83ff, 0x8000, 0x7c00, 0xfe00),
      [1, -2, 0.333251953125, 65504, 2 ** -24, -6.097555160522461e-5, -0, Number.POSITIVE_INFINITY, Number.NaN],
    ],
    [
      'BF16',
      Uint16Array.of(0x3f80, 0xc2f7, 0x0001, 0x0080, 0x7f7f, 0xff80, 0x7fc0),
      [1, -123.5, 2 ** -133, 2 ** -126, 3.3895313892515355e38, Number.NEGATIVE_INFINITY, Number.NaN],
    ],
    ['F64', Float64Array.of(1 / 3, -1e300), [Math.fround(1 / 3), Number.NEGATIVE_INFINITY]],
  ])('of %s become float32', (dtype, { buffer, byteLength }, expected) => {
    const entry = { dtype, shape: [expected.length], data_offsets: [0, byteLength] };
    const text = new TextEncoder().encode(JSON.stringify({ a: entry }));
    const bytes = Uint8Array.of(...new Uint8Array(8), ...text, ...new Uint8Array(buffer));
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    expect([...decodeSafetensors(bytes).tensors.get('a')!.data]).toEqual(expected);
  });

  test('are told from pickles, which torch.save writes', () => {
    for (const start of [
      [0x50, 0x4b, 3, 4],
      [0x80, 2, 0x8a, 10],
    ]) {
      const bytes = Uint8Array.from({ length: 64 }, (_, i) => start[i] ?? 0x6c);
      expect(() => decodeSafetensors(bytes)).toThrow('the file is a pickle');
    }
  });

  test.each<[string, unknown]>([
    ['offsets beyond the data', { a: { dtype: 'F32', shape: [2], data_offsets: [4, 12] } }],
    ['offsets that do not fit the shape', { a: { dtype: 'F32', shape: [3], data_offsets: [0, 8] } }],
    ['another type', { a: { dtype: 'I16', shape: [4], data_offsets: [0, 8] } }],
    ['an entry that is none', { a: null }],
    ['a header that is none', 'text'],
    ['metadata that is none', { __metadata__: null }],
    ['metadata that is no text', { __metadata__: { position: { epoch: 1 } } }],
    ['negative sizes', { a: { dtype: 'F32', shape: [-2, -1], data_offsets: [0, 8] } }],
  ])('are refused with %s', (_, header) => {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const bytes = new Uint8Array(8 + text.length + 8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    expect(() => decodeSafetensors(bytes)).toThrow(BnError);
  });

  test('of version 0.1.0 are read: a sum of losses and a count of right answers', () => {
    const { sums: _, ...rest } = position;
    const old = JSON.stringify({ ...rest, lossSum: 1.5, correct: 3 });
    expect(decodeCheckpoint(encodeSafetensors(tensors, { position: old })).position).toEqual(position);
  });

  test('as checkpoints are refused, whichever bits have changed', () => {
    const bytes = encodeCheckpoint({ tensors, position }, { note: 'x' });
    const at = new TextDecoder().decode(bytes).indexOf('"checksum"');
    for (let i = 0; i < bytes.length; i++) {
      if (i >= at && i < at + 10) continue; // under another name it is no checksum
      const changed = Uint8Array.from(bytes);
      changed[i]! ^= 1 << (i % 8);
      expect(() => decodeCheckpoint(changed), `byte ${i}`).toThrow(BnError);
    }
  });

  test('do no harm without a checksum, whatever stands in them', () => {
    const random = createGenerator(5);
    const letters = new TextEncoder().encode('"{}[]:,-.0123456789eFnul ');
    const whole = {
      __metadata__: { position: JSON.stringify(position) },
      a: entryOf([2], 0, 8),
      b: entryOf([], 8, 12),
    };
    const odd: unknown[] = [
      null,
      {},
      { toString: 1 },
      [],
      [null],
      -1,
      0.5,
      1e300,
      2 ** 53,
      'F64',
      '',
      true,
      [1, 1],
      [0, 1e308],
    ];
    let taken = 0;
    for (let i = 0; i < 4000; i++) {
      const header = structuredClone(whole) as Record<string, Record<string, unknown>>;
      const keys = ['dtype', 'shape', 'data_offsets'] as const;
      if (i % 2 === 0)
        header[random.integer(2) ? 'a' : 'b']![keys[random.integer(3)]!] = odd[random.integer(odd.length)];
      const bytes = fileOf(
        i % 7 === 0 ? { ...header, c: odd[random.integer(odd.length)] } : header,
        new Uint8Array(12),
      );
      if (i % 2 === 1) bytes[random.integer(bytes.length)] = letters[random.integer(letters.length)]!;
      try {
        decodeCheckpoint(bytes);
        taken++;
      } catch (error) {
        expect(error).toBeInstanceOf(BnError);
      }
    }
    expect(taken).toBeGreaterThan(50);
  });

  test.each<[string, object, number, string]>([
    ['trailing bytes', { a: entryOf([2], 0, 8) }, 12, '4 bytes follow its tensors'],
    ['a gap', { a: entryOf([2], 0, 8), b: entryOf([], 12, 16) }, 16, "'b' follows a gap"],
    ['a gap at the start', { a: entryOf([2], 4, 12) }, 12, "'a' follows a gap"],
    ['overlaps', { a: entryOf([2], 0, 8), b: entryOf([2], 4, 12) }, 12, "'b' overlaps that of another"],
    ['twice the same data', { a: entryOf([2], 0, 8), b: entryOf([2], 0, 8) }, 8, "'b' overlaps that of another"],
    ['offsets that go back', { a: entryOf([2], 8, 0) }, 8, "'a' is incomplete"],
    ['no tensors for its body', {}, 8, '8 bytes follow its tensors'],
  ])('are refused with %s', (_, header, length, message) => {
    expect(() => decodeSafetensors(fileOf(header, new Uint8Array(length)))).toThrow(message);
  });

  test('may have their tensors in any order, and empty ones', () => {
    const header = { b: entryOf([1], 8, 12), none: entryOf([0, 3], 8, 8), a: entryOf([2], 0, 8) };
    expect([...decodeSafetensors(fileOf(header, new Uint8Array(12))).tensors.keys()]).toEqual(['b', 'none', 'a']);
  });

  test('have the checksum of zlib', () => {
    const bytes = encodeSafetensors(new Map());
    // zlib.crc32(b'{"__metadata__":{}}') in Python.
    expect(new TextDecoder().decode(bytes)).toContain('"checksum":"crc32 1778700868"');
  });

  test('of other types can be left out', () => {
    const header = { a: { ...entryOf([1], 0, 8), dtype: 'I64' }, b: entryOf([], 8, 12) };
    const bytes = fileOf(header, new Uint8Array(12));
    expect(() => decodeSafetensors(bytes)).toThrow("'a' has the type I64");
    expect([...decodeSafetensors(bytes, (name) => name !== 'a').tensors.keys()]).toEqual(['b']);
  });

  test('without a training position are no checkpoint', () => {
    expect(() => decodeCheckpoint(encodeSafetensors(tensors))).toThrow(/no training position/);
    for (const wrong of [{ step: -3 }, { epoch: 0.5 }, { examples: null }, { seed: 'x' }]) {
      const bytes = encodeSafetensors(tensors, { position: JSON.stringify({ ...position, ...wrong }) });
      expect(() => decodeCheckpoint(bytes)).toThrow(/no training position/);
    }
  });
});
