// Networks beside torchvision's, with the same weights: data/torchvision_golden.py says which, and wrote the numbers.

import { readFileSync } from 'node:fs';
import {
  type Backend,
  classification,
  defineModel,
  fromTorch,
  type Graph,
  type HostTensor,
  input,
  type Layer,
  predictionGraph,
  sgd,
  sizeOf,
  type TypedArray,
  toTorch,
  trace,
  trainingStepGraph,
} from '@bn/core';
import { createBackend } from '@bn/wasm';
import { expect } from 'vitest';

interface Golden {
  readonly shape: readonly number[];
  readonly classes: number;
  /** Which of its images. */
  readonly images: number;
  readonly logits: readonly number[];
  readonly loss: number;
  /** Of each tensor, by name: the size of its change in a step, and its product with noise. */
  readonly changes: readonly (readonly [number, number])[];
}

const file = new URL('data/torchvision.json', import.meta.url);
const golden = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Golden>>;
export const goldenNetworks = Object.keys(golden);

/** Numbers in −1..1 by name and index. */
function noise(name: string, size: number): Float64Array {
  const seed = crc32(name);
  const numbers = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let x = (Math.imul(i, 2654435761) + seed) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
    x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
    numbers[i] = ((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1;
  }
  return numbers;
}

function crc32(text: string): number {
  let crc = -1;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/** Weights as of He's initialization; other values around 1 or 0. */
function value(name: string, shape: readonly number[]): HostTensor {
  const [scale, around] =
    shape.length > 1
      ? [Math.sqrt(6 / sizeOf(shape.slice(1))), 0]
      : name.endsWith('running_var')
        ? [0.5, 1]
        : [0.2, name.endsWith('weight') ? 1 : 0];
  return { shape, data: new Float32Array(noise(name, sizeOf(shape)).map((u) => around + scale * u)) };
}

/** The largest relative differences of logits, loss, and changes in a step of gradient descent. */
export async function compareWithTorchvision(name: string, build: (options: { classes: number }) => Layer) {
  const { shape, classes, images, logits, loss, changes } = golden[name]!;
  const model = defineModel(build({ classes }), { input: { shape: [null, ...shape.slice(1)], dtype: 'float32' } });
  const { parameters, states } = trace(model, input('features', shape), { training: true });
  const variables = new Map(
    [...parameters, ...states].map(([path, { shape }]) => [path, { shape, data: new Float32Array(sizeOf(shape)) }]),
  );
  const names = toTorch(model, variables);
  const before = new Map([...names].map(([name, { shape }]) => [name, value(name, shape)]));
  const perImage = sizeOf(shape.slice(1));
  const contrast = (i: number) => 1 + Math.floor(i / perImage);
  const features = new Float32Array(noise(`features ${images}`, sizeOf(shape)).map((u, i) => u * contrast(i)));
  const labels = Int32Array.from({ length: shape[0]! }, (_, i) => i % classes);
  const inputs = new Map<string, TypedArray>([
    ...[...fromTorch(model, before)].map(([path, { data }]) => [path, data] as const),
    ...([
      ['features', features],
      ['labels', labels],
      ['learningRate', Float32Array.of(1)],
      ['step', Float32Array.of(1)],
    ] as const),
  ]);
  const spec = { features: { shape, dtype: 'float32' }, labels: { shape: [shape[0]!], dtype: 'int32' } } as const;

  const backend = await createBackend();
  const predicted = await compute(backend, predictionGraph(model, spec.features), inputs);
  const stepped = await compute(backend, trainingStepGraph(model, classification(), sgd(), spec), inputs);
  await backend.dispose();

  const largest = Math.max(...logits.map(Math.abs));
  const after = toTorch(
    model,
    new Map([...variables].map(([path, { shape }]) => [path, { shape, data: stepped.get(path) as Float32Array }])),
  );
  const sorted = [...after].sort(([a], [b]) => (a < b ? -1 : 1));
  expect(sorted).toHaveLength(changes.length);
  const changesApart = sorted.map(([name, { data }], i) => {
    const was = before.get(name)!.data;
    const change = new Float64Array(data).map((v, at) => v - was[at]!);
    const [norm, product] = changes[i]!;
    const apart = [
      Math.sqrt(dot(change, change)) - norm,
      dot(change, noise(`change of ${name}`, change.length)) - product,
    ];
    return { name, apart: Math.max(...apart.map(Math.abs)) / norm };
  });
  return {
    logits: Math.max(...logits.map((v, i) => Math.abs(v - predicted.get('output')![i]!))) / largest,
    loss: Math.abs(loss - stepped.get('loss')![0]!) / loss,
    changes: changesApart.reduce((worst, other) => (other.apart > worst.apart ? other : worst)),
  };
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, v, i) => sum + v * b[i]!, 0);
}

async function compute(
  backend: Backend,
  graph: Graph,
  given: ReadonlyMap<string, TypedArray>,
): Promise<Map<string, TypedArray>> {
  const executable = await backend.compile(graph);
  const values = new Map([...graph.inputs].map(([name, spec]) => [name, backend.upload(given.get(name)!, spec)]));
  const results = await executable.run(values);
  const outputs = new Map<string, TypedArray>();
  for (const [name, result] of results) outputs.set(name, await backend.download(result));
  await executable.dispose();
  for (const held of [...values.values(), ...results.values()]) backend.release(held);
  return outputs;
}
