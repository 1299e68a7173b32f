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

  test.each<[string, unknown]>([
    ['offsets beyond the data', { a: { dtype: 'F32', shape: [2], data_offsets: [4, 12] } }],
    ['offsets that do not fit the shape', { a: { dtype: 'F32', shape: [3], data_offsets: [0, 8] } }],
    ['another type', { a: { dtype: 'F16', shape: [4], data_offsets: [0, 8] } }],
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
