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
import { createBackend as createReference } from '@bn/reference';
import { createBackend } from '@bn/wasm';
import { expect } from 'vitest';

interface Golden {
  readonly shape: readonly number[];
  readonly classes: number;
  readonly logits: readonly number[];
  readonly loss: number;
  /** Of each tensor, sorted by name: the size of its change in a step, and its product with noise. Empty: not computed. */
  readonly changes: readonly (readonly [number, number])[];
}

const file = new URL('data/torchvision.json', import.meta.url);
const golden = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Golden>>;
export const goldenNetworks = Object.keys(golden);
export const goldenSteps = goldenNetworks.filter((name) => golden[name]!.changes.length > 0);

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

/** The largest relative difference of the logits, on wasm. */
export async function compareLogits(name: string, build: Build): Promise<number> {
  const { logits } = golden[name]!;
  const { model, spec, inputs } = taskOf(name, build);
  const backend = await createBackend();
  const output = (await compute(backend, predictionGraph(model, spec.features), inputs)).get('output')!;
  await backend.dispose();
  return Math.max(...logits.map((v, i) => Math.abs(v - output[i]!))) / Math.max(...logits.map(Math.abs));
}

/** The relative difference of the loss in training, on wasm. */
export async function compareLoss(name: string, build: Build): Promise<number> {
  const { loss } = golden[name]!;
  const { step, inputs } = taskOf(name, build);
  const backend = await createBackend();
  const trained = (await compute(backend, step(), inputs)).get('loss')![0]!;
  await backend.dispose();
  return Math.abs(loss - trained) / loss;
}

/**
 * The parameter or state whose change in a step of gradient descent differs most, relative to the size of the change. In float64:
 * in float32 an activation next to zero may fall on either side, and gradients with it.
 */
export async function compareChanges(name: string, build: Build): Promise<{ name: string; apart: number }> {
  const { changes } = golden[name]!;
  const { model, step, inputs, before, variables } = taskOf(name, build);
  const backend = await createReference({ precision: 64 });
  const stepped = await compute(backend, step(), inputs);
  await backend.dispose();
  const after = [...variables].map(([path, { shape }]) => [path, { shape, data: stepped.get(path) as never }] as const);
  const sorted = [...toTorch(model, new Map(after))].sort(([a], [b]) => (a < b ? -1 : 1));
  expect(sorted).toHaveLength(changes.length);
  const differences = sorted.map(([name, { data }], i) => {
    const was = before.get(name)!.data;
    const change = new Float64Array(data).map((v, at) => v - was[at]!);
    const [norm, product] = changes[i]!;
    const ofNorm = Math.abs(Math.sqrt(dot(change, change)) - norm);
    const ofProduct = Math.abs(dot(change, noise(`change of ${name}`, change.length)) - product);
    // A shift that the next normalization removes has no gradient but rounding.
    return { name, apart: Math.max(ofNorm, ofProduct) / (norm < 1e-9 ? 1 : norm) };
  });
  return differences.reduce((worst, other) => (other.apart > worst.apart ? other : worst));
}

type Build = (options: { classes: number }) => Layer;

/** The network with its weights and a batch. */
function taskOf(name: string, build: Build) {
  const { shape, classes } = golden[name]!;
  const model = defineModel(build({ classes }), { input: { shape: [null, ...shape.slice(1)], dtype: 'float32' } });
  const { parameters, states } = trace(model, input('features', shape), { training: true });
  const variables = new Map(
    [...parameters, ...states].map(([path, { shape }]) => [path, { shape, data: new Float32Array(sizeOf(shape)) }]),
  );
  const before = new Map([...toTorch(model, variables)].map(([name, { shape }]) => [name, value(name, shape)]));
  const perImage = sizeOf(shape.slice(1));
  const features = noise('features', sizeOf(shape)).map((u, i) => u * (1 + Math.floor(i / perImage)));
  const inputs = new Map<string, TypedArray>([
    ...[...fromTorch(model, before)].map(([path, { data }]) => [path, data] as const),
    ['features', new Float32Array(features)],
    ['labels', Int32Array.from({ length: shape[0]! }, (_, i) => i % classes)],
    ['learningRate', Float32Array.of(1)],
    ['step', Float32Array.of(1)],
  ]);
  const spec = { features: { shape, dtype: 'float32' }, labels: { shape: [shape[0]!], dtype: 'int32' } } as const;
  const step = () => trainingStepGraph(model, classification(), sgd(), spec);
  return { model, variables, before, inputs, spec, step };
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, v, i) => sum + v * b[i]!, 0);
}

/** The reference takes float64. */
function valuesFor(backend: Backend, data: TypedArray): TypedArray {
  return backend.name === 'reference' && data instanceof Float32Array ? (new Float64Array(data) as never) : data;
}

async function compute(
  backend: Backend,
  graph: Graph,
  given: ReadonlyMap<string, TypedArray>,
): Promise<Map<string, TypedArray>> {
  const executable = await backend.compile(graph);
  const values = new Map(
    [...graph.inputs].map(([name, spec]) => [name, backend.upload(valuesFor(backend, given.get(name)!), spec)]),
  );
  const results = await executable.run(values);
  const outputs = new Map<string, TypedArray>();
  for (const [name, result] of results) outputs.set(name, await backend.download(result));
  await executable.dispose();
  for (const held of [...values.values(), ...results.values()]) backend.release(held);
  return outputs;
}
