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

  test('do no harm as checkpoints, whichever bytes are changed', () => {
    const bytes = encodeCheckpoint({ tensors, position }, { note: 'x' });
    const random = createGenerator(5);
    const letters = new TextEncoder().encode('"{}[]:,-.0123456789eFnul ');
    let taken = 0;
    for (let i = 0; i < 2000; i++) {
      const changed = Uint8Array.from(bytes);
      for (let n = 0; n <= i % 3; n++) {
        changed[8 + random.integer(bytes.length - 8)] = letters[random.integer(letters.length)];
      }
      try {
        decodeCheckpoint(changed);
        taken++;
      } catch (error) {
        expect(error).toBeInstanceOf(BnError);
      }
    }
    expect(taken).toBeGreaterThan(50);
  });

  test('of other types can be left out', () => {
    const bytes = encodeSafetensors(tensors);
    const other = Uint8Array.from(bytes);
    const at = new TextDecoder().decode(bytes).indexOf('F32'); // of conv1.weight, which comes first
    other.set(new TextEncoder().encode('I64'), at);
    expect(() => decodeSafetensors(other)).toThrow("'conv1.weight' has the type I64");
    expect([...decodeSafetensors(other, (name) => name !== 'conv1.weight').tensors.keys()]).toEqual(['scalar']);
  });

  test('without a training position are no checkpoint', () => {
    expect(() => decodeCheckpoint(encodeSafetensors(tensors))).toThrow(/no training position/);
    for (const wrong of [{ step: -3 }, { epoch: 0.5 }, { examples: null }, { seed: 'x' }]) {
      const bytes = encodeSafetensors(tensors, { position: JSON.stringify({ ...position, ...wrong }) });
      expect(() => decodeCheckpoint(bytes)).toThrow(/no training position/);
    }
  });
});
