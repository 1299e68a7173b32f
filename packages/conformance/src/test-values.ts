// Values: what comes back, who owns what, what stays alive.

import { constant, createGraph, input, ops } from '@bn/core';
import { describe, expect, test } from 'vitest';
import { expectClose } from './expect-close.js';
import { bool, float32, type HostValue, int32, uint8 } from './host-value.js';
import { download, upload } from './run-graph.js';
import type { Suite } from './suite.js';

export function testValues(suite: Suite): void {
  describe('upload and download', () => testRoundTrips(suite));
  describe('ownership', () => testOwnership(suite));
}

function testRoundTrips(suite: Suite): void {
  const values: readonly HostValue[] = [
    float32([
      [1, -2, 0.5],
      [3, 4, Number.NEGATIVE_INFINITY],
    ]),
    float32(0.25),
    int32([[[-2147483648, 2147483647]]]),
    uint8([0, 127, 128, 255]),
    bool([[1], [0]]),
  ];
  for (const value of values) {
    test(`${value.dtype} [${value.shape}] comes back as it was`, async () => {
      const held = upload(suite.backend, value);
      expectClose(await download(suite.backend, held), value, 0);
      suite.backend.release(held);
    });
  }

  test('an upload is a copy', async () => {
    const data = Float32Array.of(1, 2);
    const held = suite.backend.upload(data, { shape: [2], dtype: 'float32' });
    data.fill(9);
    expectClose(await download(suite.backend, held), float32([1, 2]), 0);
    suite.backend.release(held);
  });

  test('a download is a copy', async () => {
    const held = upload(suite.backend, float32([1, 2]));
    (await suite.backend.download(held)).fill(9);
    expectClose(await download(suite.backend, held), float32([1, 2]), 0);
    suite.backend.release(held);
  });
}

function testOwnership(suite: Suite): void {
  const x = input('x', [2]);

  test('live values are counted, and releasing twice is one release', async () => {
    const before = suite.backend.liveValues;
    const [a, b] = [upload(suite.backend, float32([1, 2])), upload(suite.backend, float32([3]))];
    expect(suite.backend.liveValues).toBe(before + 2);
    suite.backend.release(a);
    suite.backend.release(a);
    expect(suite.backend.liveValues).toBe(before + 1);
    suite.backend.release(b);
    expect(suite.backend.liveValues).toBe(before);
  });

  test('a run neither consumes nor changes its inputs', async () => {
    const executable = await suite.backend.compile(createGraph({ y: ops.add(ops.mul(x, 2), 1) }));
    const held = upload(suite.backend, float32([1, 2]));
    for (let i = 0; i < 2; i++) {
      const { y } = Object.fromEntries(await executable.run(new Map([['x', held]])));
      expectClose(await download(suite.backend, y), float32([3, 5]), 0);
      suite.backend.release(y);
    }
    expectClose(await download(suite.backend, held), float32([1, 2]), 0);
    suite.backend.release(held);
    await executable.dispose();
  });

  test('outputs outlive inputs, other outputs and the executable', async () => {
    // One output is the input itself, two are the same node, one is a constant.
    const twice = ops.add(x, x);
    const graph = createGraph({ same: x, a: twice, b: twice, c: constant([7], [1]) });
    const executable = await suite.backend.compile(graph);
    const held = upload(suite.backend, float32([1, 2]));
    const outputs = await executable.run(new Map([['x', held]]));
    expect([...outputs.keys()].sort()).toEqual(['a', 'b', 'c', 'same']);
    suite.backend.release(held);
    suite.backend.release(outputs.get('a')!);
    await executable.dispose();
    expectClose(await download(suite.backend, outputs.get('same')!), float32([1, 2]), 0);
    expectClose(await download(suite.backend, outputs.get('b')!), float32([2, 4]), 0);
    expectClose(await download(suite.backend, outputs.get('c')!), float32([7]), 0);
    for (const value of outputs.values()) suite.backend.release(value);
  });

  test('an output is an input of another executable', async () => {
    const first = await suite.backend.compile(createGraph({ y: ops.less(x, 1.5) }));
    const second = await suite.backend.compile(
      createGraph({ z: ops.where(input('y', [2], 'bool'), 1, ops.iota([2])) }),
    );
    const held = upload(suite.backend, float32([1, 2]));
    const outputs = await first.run(new Map([['x', held]]));
    const results = await second.run(outputs);
    expectClose(await download(suite.backend, results.get('z')!), int32([1, 1]), 0);
    for (const value of [held, ...outputs.values(), ...results.values()]) suite.backend.release(value);
    await Promise.all([first.dispose(), second.dispose()]);
  });
}
