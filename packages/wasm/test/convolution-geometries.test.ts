// Convolutions and their input gradients: of strided ones every remainder by the stride has taps and windows of its own; of
// images so small that each window covers them, sums run over elements instead of taps.

import {
  type Backend,
  type ConvolutionGeometry,
  createGenerator,
  createGraph,
  input,
  ops,
  sizeOf,
  type TypedArray,
} from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { createBackend } from '@bn/wasm';
import { expect, test } from 'vitest';

type Geometry = ConvolutionGeometry & { readonly inputSize: readonly [number, number] };

/** With strides, dilations and paddings of all kinds. */
function drawn(count: number) {
  const random = createGenerator(9);
  const draw = (low: number, high: number) => low + random.integer(high - low + 1);
  const pair = (low: number, high: number) => [draw(low, high), draw(low, high)] as const;
  const made: { geometry: Geometry; shapes: { x: number[]; dy: number[]; w: number[] } }[] = [];
  while (made.length < count) {
    const geometry = {
      ...{ stride: pair(1, 3), dilation: pair(1, 3), groups: draw(1, 2), inputSize: pair(3, 12) },
      padding: [...pair(0, 3), ...pair(0, 3)] as [number, number, number, number],
    };
    const kernel = pair(1, 4);
    const [batch, channels, filters] = [draw(1, 9), draw(1, 3), geometry.groups * draw(1, 4)];
    const shapes = shapesOf(geometry, kernel, batch, channels, filters);
    if (shapes.dy.every((n) => n > 0)) made.push({ geometry, shapes });
  }
  return made;
}

/** Images that every window covers, on one axis or both, and one that is a little too large for it. */
function small() {
  const sizes = [
    [1, 1],
    [2, 2],
    [2, 1],
    [2, 3],
  ] as const;
  return sizes.map((inputSize) => {
    const padding: [number, number, number, number] = [1, 1, 1, 1];
    const geometry = { stride: [1, 1] as const, dilation: [1, 1] as const, groups: 2, inputSize, padding };
    return { geometry, shapes: shapesOf(geometry, [3, 3], 8, 3, 10) };
  });
}

function shapesOf(
  { stride, dilation, groups, inputSize, padding }: Geometry,
  kernel: readonly [number, number],
  batch: number,
  channels: number,
  filters: number,
) {
  const windows = [0, 1].map((i) => {
    const room = inputSize[i] + padding[i] + padding[i + 2];
    return Math.floor((room - (kernel[i] - 1) * dilation[i] - 1) / stride[i]) + 1;
  });
  return {
    x: [batch, groups * channels, ...inputSize],
    dy: [batch, filters, ...windows],
    w: [filters, channels, ...kernel],
  };
}

test('strides, dilations and paddings of all kinds, with lanes on the batch and elsewhere', async () => {
  const reference = await createReference();
  const backends = [await createBackend({ threads: 1 }), await createBackend({ threads: 1, passes: { pad: false } })];
  for (const { geometry, shapes } of [...drawn(24), ...small()]) {
    const [x, dy, w] = [input('x', shapes.x), input('dy', shapes.dy), input('w', shapes.w)];
    const graph = createGraph({ y: ops.conv2d(x, w, geometry), dx: ops.conv2dInputGradient(dy, w, geometry) });
    const run = async (backend: Backend): Promise<TypedArray[]> => {
      const executable = await backend.compile(graph);
      const values = Object.entries(shapes).map(([name, shape]) => {
        const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * i));
        return [name, backend.upload(data, { shape, dtype: 'float32' })] as const;
      });
      const results = await executable.run(new Map(values));
      const made = await Promise.all(['y', 'dx'].map((name) => backend.download(results.get(name)!)));
      await executable.dispose();
      return made;
    };
    const expected = await run(reference);
    for (const backend of backends) {
      const actual = await run(backend);
      expected.forEach((values, result) => {
        const wrong = values.findIndex((value, i) => !(Math.abs(actual[result][i] - value) < 1e-4));
        expect(wrong, JSON.stringify({ result, ...geometry, ...shapes })).toBe(-1);
      });
    }
  }
  for (const backend of [reference, ...backends]) await backend.dispose();
});
