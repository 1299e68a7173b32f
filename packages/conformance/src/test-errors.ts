// What a backend refuses, and with which errors.

import { type Backend, type BnErrorCode, constant, createGraph, input, ops, type Value } from '@bn/core';
import { describe, expect, test } from 'vitest';
import { float32, type HostValue, int32, pattern } from './host-value.js';
import { upload } from './run-graph.js';
import type { Suite } from './suite.js';

const graph = createGraph({ y: ops.add(ops.mul(input('left', [2, 3]), 2), input('right', [3])) });
const openGraph = createGraph({ y: ops.add(input('left', [null, 3]), input('right', [null, 3])) });
/** What `graph` takes. */
const fitting = { left: pattern([2, 3]), right: pattern([3]) };

export function testErrors(suite: Suite, createBackend: () => Promise<Backend>): void {
  describe('run', () => testRunErrors(suite));
  describe('upload', () => testUploadErrors(suite));
  describe('after dispose', () => testDisposed(suite, createBackend));
}

function testRunErrors(suite: Suite): void {
  const refuses = (
    what: string,
    code: BnErrorCode,
    named: string,
    inputs: Readonly<Record<string, HostValue>>,
    of = graph,
  ) =>
    test(`${what} is refused`, async () => {
      const executable = await suite.backend.compile(of);
      const values = new Map(Object.entries(inputs).map(([name, value]) => [name, upload(suite.backend, value)]));
      await expectRefusal(() => executable.run(values), code, named);
      for (const value of values.values()) suite.backend.release(value);
      await executable.dispose();
    });

  refuses('a missing input', 'argument', 'right', { left: fitting.left });
  refuses('an unknown input', 'argument', 'middle', { ...fitting, middle: fitting.right });
  refuses('a wrong size', 'shape', 'right', { ...fitting, right: float32([7, 8]) });
  refuses('a wrong rank', 'shape', 'left', { ...fitting, left: float32([1, 2, 3]) });
  refuses('a size that would broadcast', 'shape', 'left', { ...fitting, left: float32([[1, 2, 3]]) });
  refuses('a wrong dtype', 'dtype', 'right', { ...fitting, right: int32([7, 8, 9]) });
  refuses('two batch sizes', 'shape', 'right', { left: fitting.left, right: float32([[1, 2, 3]]) }, openGraph);
  refuses(
    'a wrong size beside the batch',
    'shape',
    'left',
    { left: float32([[1, 2]]), right: fitting.left },
    openGraph,
  );

  const picked = () => createGraph({ y: ops.gather(input('x', [3, 2]), input('i', [2], 'int32')) });
  for (const index of [3, -1, 1_000_000, -2_000_000_000]) {
    suite.graphTest(`gather: the computed index ${index} of three rows is refused`, picked, async (graph) => {
      const executable = await suite.backend.compile(graph);
      const [x, wrong, right] = [pattern([3, 2]), int32([2, index]), int32([2, 0])].map((value) => {
        return upload(suite.backend, value);
      }) as [Value, Value, Value];
      const run = (i: Value) => executable.run(new Map(Object.entries({ x, i })));
      await expectRefusal(() => run(wrong), 'data', `${index} is not in 0 … 2`);
      // And the next run is none the worse for it.
      const y = (await run(right)).get('y')!;
      const all = await suite.backend.download(x);
      expect([...(await suite.backend.download(y))]).toEqual([...all.slice(4), ...all.slice(0, 2)]);
      for (const value of [x, wrong, right, y]) suite.backend.release(value);
      await executable.dispose();
    });
  }
  suite.graphTest(
    'gather: a constant index outside is refused before any run',
    () => createGraph({ y: ops.gather(input('x', [3]), constant([3], [1], 'int32')) }),
    (graph) => expectRefusal(() => suite.backend.compile(graph), 'data', '3 is not in 0 … 2'),
  );

  test('a released input is refused', async () => {
    const executable = await suite.backend.compile(createGraph({ y: ops.neg(input('x', [1])) }));
    const value = upload(suite.backend, float32([1]));
    suite.backend.release(value);
    await expectRefusal(() => executable.run(new Map([['x', value]])), 'argument', 'x');
    await executable.dispose();
  });
}

function testUploadErrors(suite: Suite): void {
  test('too few values are refused', () =>
    expectRefusal(() => suite.backend.upload(Float32Array.of(1, 2), { shape: [3], dtype: 'float32' }), 'shape', '[3]'));
  test('too many values are refused', () =>
    expectRefusal(() => suite.backend.upload(Int32Array.of(1, 2), { shape: [], dtype: 'int32' }), 'shape', '[]'));
  test('a symbolic size is refused', () =>
    expectRefusal(() => suite.backend.upload(Int32Array.of(1), { shape: [null], dtype: 'int32' }), 'shape', 'batch'));
  test('another kind of array is refused', () =>
    expectRefusal(() => suite.backend.upload(Int32Array.of(1), { shape: [1], dtype: 'float32' }), 'dtype', 'float32'));
  test('a refused upload leaves nothing behind', async () => {
    const before = suite.backend.liveValues;
    await expectRefusal(() => suite.backend.upload(Float32Array.of(1), { shape: [2], dtype: 'float32' }), 'shape', '');
    expect(suite.backend.liveValues).toBe(before);
  });
}

function testDisposed(suite: Suite, createBackend: () => Promise<Backend>): void {
  test('an executable runs no more', async () => {
    const executable = await suite.backend.compile(createGraph({ y: ops.iota([2]) }));
    await executable.dispose();
    await expectRefusal(() => executable.run(new Map()), 'backend', '');
  });

  test('a backend does nothing more', async () => {
    const backend = await createBackend();
    const executable = await backend.compile(createGraph({ y: ops.neg(input('x', [1])) }));
    const value = upload(backend, float32([1]));
    await backend.dispose();
    await expectRefusal(() => backend.compile(graph), 'backend', '');
    await expectRefusal(() => upload(backend, float32([1])), 'backend', '');
    await expectRefusal(() => backend.download(value), 'backend', '');
    await expectRefusal(() => executable.run(new Map([['x', value]])), 'backend', '');
    backend.release(value);
    await backend.dispose();
    expect(backend.liveValues).toBe(0);
    // Another backend of the same kind goes on.
    expect((await suite.run(graph, fitting)).y.shape).toEqual([2, 3]);
  });
}

/** Asserts that something throws or rejects with a BnError of this code whose message names what is wrong. */
async function expectRefusal(body: () => Value | Promise<unknown>, code: BnErrorCode, named: string): Promise<void> {
  await expect(Promise.resolve().then(body)).rejects.toMatchObject({
    name: 'BnError',
    code,
    message: expect.stringContaining(named),
  });
}
