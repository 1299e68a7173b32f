// Programs in memory full of NaN: they depend on nothing that is not theirs, and write nowhere else.

import { constant, createArray, createGraph, input, ops, sizeOf, type TypedArray } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { createBackend } from '@bn/wasm';
import { expect, test } from 'vitest';
import { compile, type Program } from '../src/compile.js';
import { numbersOf } from '../src/ir/constant.js';
import { allPasses } from '../src/pipeline.js';

import { Heap } from '../src/run/heap.js';
import { Team } from '../src/run/team.js';
import { WasmBackend } from '../src/run/wasm-backend.js';
import { innermostLoops } from './loop-bodies.js';
import { type Case, randomGraph, randomTraining } from './random-graphs.js';
import { runCase } from './run-case.js';

const [size, gap] = [16_000_000, 256];

interface Run {
  readonly program: Program;
  readonly outputs: ReadonlyMap<string, TypedArray>;
  /** Bytes that were written to, outside of what may be. */
  readonly damaged: readonly number[];
}

async function runAmongCanaries({ graph, inputs }: Case): Promise<Run> {
  const heap = new Heap(false);
  const start = heap.allocate(size);
  const { u8: bytes, i32, f32 } = heap.views;
  bytes.fill(0xff, start);
  const writable: [from: number, to: number][] = [];
  let end = start;
  const reserve = (bytes: number) => {
    const from = end + gap;
    end = Math.ceil((from + bytes) / 64) * 64;
    expect(end).toBeLessThan(start + size);
    return from;
  };
  const program = compile(graph, 1, {
    ...{ relaxed: false, threads: 1, passes: allPasses, countsRows: false, profile: false },
    memory: heap,
    reserve: (_, bytes) => {
      const from = reserve(bytes);
      writable.push([from, from + bytes]);
      return from;
    },
  });
  for (const { address, words, isFloat } of program.data) {
    (isFloat ? f32 : i32).set(numbersOf(words), address / 4);
  }
  const table = i32.subarray(program.table / 4);
  program.inputs.forEach((name, i) => {
    const data = inputs.get(name)!;
    table[i] = reserve(data.byteLength);
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), table[i]);
  });
  const outputs = program.outputs.map(([name, spec], i) => {
    const array = createArray(spec.dtype, sizeOf(spec.shape));
    const from = reserve(array.byteLength);
    table[program.inputs.length + i] = from;
    writable.push([from, from + array.byteLength]);
    return { name, array, from };
  });
  const before = bytes.slice();
  const team = Team.alone(heap.memory);
  await team.run(await team.load(program), () => {});
  for (const [from, to] of writable) before.copyWithin(from, from, to).set(bytes.subarray(from, to), from);
  const damaged: number[] = [];
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== before[i]) damaged.push(i);
  for (const { array, from } of outputs) {
    new Uint8Array(array.buffer).set(bytes.subarray(from, from + array.byteLength));
  }
  return { program, damaged, outputs: new Map(outputs.map(({ name, array }) => [name, array])) };
}

const cases: Case[] = [101, 102, 103, 104, 105, 106].flatMap((seed) => [randomGraph(seed), randomTraining(seed)]);

test.each(cases.map((made, i) => [i, made] as const))('case %i', async (_, made) => {
  const { program, outputs, damaged } = await runAmongCanaries(made);
  expect(damaged).toEqual([]);
  expect(program.bytes.length).toBeLessThan(100_000);
  expect(Math.max(...innermostLoops(program.bytes))).toBeLessThan(8000);
  for (const [name, values] of await runCase(await createReference(), made)) {
    const actual = outputs.get(name)!;
    const scale = Array.from(values).reduce((largest, v) => Math.max(largest, Math.abs(v)), 1e-3);
    values.forEach((v, i) => {
      expect(Math.abs(actual[i] - v), `${name}[${i}]`).toBeLessThanOrEqual(2e-3 * scale);
    });
  }
});

test('thousands of numbers in one graph have room', async () => {
  const backend = await createBackend({ threads: 1 });
  const x = input('x', [1]);
  const parts = Array.from({ length: 1500 }, (_, i) => ops.exp(ops.mul(x, i / 1500)));
  const executable = await backend.compile(createGraph({ y: ops.concat(parts, 0) }));
  const held = backend.upload(Float32Array.of(1), { shape: [1], dtype: 'float32' });
  const y = await backend.download((await executable.run(new Map([['x', held]]))).get('y')!);
  expect(y.findIndex((v, i) => Math.abs(v - Math.exp(i / 1500)) > 1e-5)).toBe(-1);
  await backend.dispose();
});

test('what does not fit into memory is refused, and takes none of it', async () => {
  const backend = await createBackend({ threads: 1 });
  const total = async (n: number) => {
    const x = input('x', [n, 1]);
    // A matrix of n · n in between.
    const graph = createGraph({ y: ops.sum(ops.matmul(ops.matmul(x, ops.transpose(x)), x)) });
    const held = backend.upload(new Float32Array(n).fill(1), { shape: [n, 1], dtype: 'float32' });
    try {
      const outputs = await (await backend.compile(graph)).run(new Map([['x', held]]));
      return (await backend.download(outputs.get('y')!))[0];
    } finally {
      backend.release(held);
    }
  };
  await expect(total(40_000)).rejects.toMatchObject({
    code: 'backend',
    message: expect.stringContaining('use a smaller batch'),
  });
  expect(await total(10)).toBe(100);
  await backend.dispose();
});

test('weights are in memory once for all batch sizes and executables, and not after the last of them', async () => {
  const heap = new Heap(false);
  const options = { relaxed: false, passes: allPasses, profile: undefined };
  const backend = new WasmBackend({ kind: 'cpu', description: '' }, heap, Team.alone(heap.memory), options);
  const bytes = 4_000_000;
  const compiled = async () => {
    const weight = constant(new Float32Array(bytes / 4).fill(0.5), [1000, 1000]);
    const y = ops.matmul(input('x', [null, 1000]), weight);
    return Promise.all([backend.compile(createGraph({ y })), backend.compile(createGraph({ z: ops.relu(y) }))]);
  };
  const first = await compiled();
  for (const executable of first) {
    for (const batch of [1, 2, 3, 16]) {
      const x = backend.upload(new Float32Array(1000 * batch).fill(1), { shape: [batch, 1000], dtype: 'float32' });
      const [value] = [...(await executable.run(new Map([['x', x]]))).values()];
      expect(await backend.download(value)).toEqual(new Float32Array(1000 * batch).fill(500));
      backend.release(x);
      backend.release(value);
    }
  }
  const size = heap.memory.buffer.byteLength;
  expect(size).toBeLessThan(2 * bytes);
  await Promise.all(first.map((executable) => executable.dispose()));
  await compiled();
  expect(heap.memory.buffer.byteLength).toBe(size);
  await backend.dispose();
});
