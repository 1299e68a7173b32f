// Runs a few tensors on the reference backend in float64, for tests.

import { createBackend } from '@bn/reference';
import { createGraph, isOp, sizeOf, type Tensor } from '../src/index.js';

type Data = ArrayLike<number>;

/** The values of `outputs`, given those of the graph's inputs by name. */
export async function evaluate<Name extends string>(
  outputs: Readonly<Record<Name, Tensor>>,
  inputs: Readonly<Record<string, Data>> = {},
): Promise<Record<Name, number[]>> {
  const backend = await createBackend({ precision: 64 });
  const graph = createGraph(outputs);
  const executable = await backend.compile(graph);
  const values = new Map(
    [...graph.inputs].map(([name, node]) => {
      const Type = node.dtype === 'float32' ? Float64Array : node.dtype === 'int32' ? Int32Array : Uint8Array;
      return [name, backend.upload(Type.from(inputs[name] ?? []), node)];
    }),
  );
  const results = await executable.run(values);
  const downloaded: Record<string, number[]> = {};
  for (const [name, value] of results) downloaded[name] = Array.from(await backend.download(value));
  await backend.dispose();
  return downloaded as Record<Name, number[]>;
}

/** Fixed numbers that look random, in −1..1. */
export function numbers(size: number, phase = 0): number[] {
  return Array.from(
    { length: size },
    (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * phase) * Math.cos(0.7 * i + phase),
  );
}

/**
 * The largest difference between the given gradients and central differences of `loss`, relative to the largest
 * gradient, over all float inputs.
 */
export async function gradientError(
  loss: Tensor,
  gradientOf: Readonly<Record<string, Tensor>>,
  inputs: Readonly<Record<string, Data>>,
): Promise<number> {
  const step = 1e-5;
  const analytic = await evaluate(gradientOf, inputs);
  let worst = 0;
  for (const [name, gradient] of Object.entries(analytic)) {
    const scale = Math.max(1e-3, ...gradient.map(Math.abs));
    for (let i = 0; i < gradient.length; i++) {
      const at = async (delta: number) => {
        const moved = Array.from(inputs[name]!, (v, j) => (j === i ? v + delta : v));
        return (await evaluate({ loss }, { ...inputs, [name]: moved })).loss[0]!;
      };
      const numeric = ((await at(step)) - (await at(-step))) / (2 * step);
      worst = Math.max(worst, Math.abs(numeric - gradient[i]!) / scale);
    }
  }
  return worst;
}

/** Inputs of a loss with their sizes. */
export function inputSizes(loss: Tensor): Map<string, number> {
  const graph = createGraph({ loss });
  return new Map(
    [...graph.inputs].filter(([, node]) => isOp(node, 'input')).map(([name, { shape }]) => [name, sizeOf(shape)]),
  );
}
