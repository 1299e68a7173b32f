// Input gradients of convolutions: every remainder by the stride has taps and windows of its own.

import { type Backend, createGenerator, createGraph, input, ops, sizeOf, type TypedArray } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { createBackend } from '@bn/wasm';
import { expect, test } from 'vitest';

/** Geometries of which the image holds at least one window. */
function geometries(count: number) {
  const random = createGenerator(9);
  const draw = (low: number, high: number) => low + random.integer(high - low + 1);
  const pair = (low: number, high: number) => [draw(low, high), draw(low, high)] as const;
  const made = [];
  while (made.length < count) {
    const geometry = {
      ...{ stride: pair(1, 3), dilation: pair(1, 3), groups: draw(1, 2), inputSize: pair(3, 12) },
      padding: [...pair(0, 3), ...pair(0, 3)] as [number, number, number, number],
    };
    const kernel = pair(1, 4);
    const windows = [0, 1].map((i) => {
      const room = geometry.inputSize[i] + geometry.padding[i] + geometry.padding[i + 2];
      return Math.floor((room - (kernel[i] - 1) * geometry.dilation[i] - 1) / geometry.stride[i]) + 1;
    });
    const [batch, channels, filters] = [draw(1, 9), draw(1, 3), geometry.groups * draw(1, 4)];
    const shapes = { dy: [batch, filters, ...windows], w: [filters, channels, ...kernel] };
    if (windows.every((n) => n > 0)) made.push({ geometry, shapes });
  }
  return made;
}

test('strides, dilations and paddings of all kinds, with lanes on the batch and elsewhere', async () => {
  const reference = await createReference();
  const backends = [await createBackend({ threads: 1 }), await createBackend({ threads: 1, passes: { pad: false } })];
  for (const { geometry, shapes } of geometries(24)) {
    const [dy, w] = [input('dy', shapes.dy), input('w', shapes.w)];
    const graph = createGraph({ dx: ops.conv2dInputGradient(dy, w, geometry) });
    const run = async (backend: Backend): Promise<TypedArray> => {
      const executable = await backend.compile(graph);
      const values = Object.entries(shapes).map(([name, shape]) => {
        const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * i));
        return [name, backend.upload(data, { shape, dtype: 'float32' })] as const;
      });
      const dx = await backend.download((await executable.run(new Map(values))).get('dx')!);
      await executable.dispose();
      return dx;
    };
    const expected = await run(reference);
    for (const backend of backends) {
      const actual = await run(backend);
      const wrong = expected.findIndex((value, i) => !(Math.abs(actual[i] - value) < 1e-4));
      expect(wrong, JSON.stringify({ ...geometry, ...shapes })).toBe(-1);
    }
  }
  for (const backend of [reference, ...backends]) await backend.dispose();
});
