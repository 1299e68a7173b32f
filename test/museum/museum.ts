// What an exhibit of the museum is, and what replays it: layers on a backend, and the same arithmetic in float64, by hand.

import type { Backend, Tensor, Trainer, TrainerOptions } from '@bn/core';
import {
  classification,
  createGraph,
  createTrainer,
  defineModel,
  input,
  type Layer,
  sgd,
  simplify,
  sizeOf,
  staticShape,
  trace,
} from '@bn/core';
import { expect } from 'vitest';
import { hostValue } from '../../packages/conformance/src/host-value.js';
import { runGraph } from '../../packages/conformance/src/run-graph.js';

export interface Exhibit {
  readonly title: string;
  /** Addresses of the reports. */
  readonly reports: readonly string[];
  readonly scenario: string;
  /** What the reports say was computed. */
  readonly others: string;
  /** What is right, and why. */
  readonly right: string;
  /** What @bn gives: the replay checks it. */
  readonly here: string;
  /** Replayed in float64, which the reference backend alone has. */
  readonly float64?: true;
  replay(backend: Backend): Promise<void>;
}

export interface Hall {
  readonly title: string;
  readonly about: string;
  readonly exhibits: readonly Exhibit[];
}

type Data = ArrayLike<number>;
type Inputs = Readonly<Record<string, Data>>;

const initial = (name: string, size: number) =>
  /(^|\.)(gamma|runningVariance)$/.test(name) ? new Array<number>(size).fill(1) : new Array<number>(size).fill(0);

/** The values of some tensors. Parameters and states that are not given have the values that a layer begins with. */
export async function evaluate(
  backend: Backend,
  outputs: Readonly<Record<string, Tensor>>,
  inputs: Inputs,
  float64 = false,
): Promise<Record<string, number[]>> {
  const graph = simplify(createGraph(outputs));
  const given = [...graph.inputs].map(([name, node]) => {
    const shape = staticShape(node.shape);
    return [name, hostValue(inputs[name] ?? initial(name, sizeOf(shape)), shape)] as const;
  });
  const results = await runGraph(backend, graph, Object.fromEntries(given), float64 ? 64 : 32);
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, Array.from(data)]));
}

interface Application {
  readonly shape: readonly number[];
  readonly training?: boolean;
  readonly values?: Inputs;
}

/** What a layer makes of x, as `y`, and the states that it leaves, by their paths. */
export function apply(
  backend: Backend,
  layer: Layer,
  x: Data,
  { shape, training = true, values = {} }: Application,
): Promise<Record<string, number[]>> {
  const { output, updates } = traced(layer, input('x', shape), training);
  return evaluate(backend, { y: output, ...Object.fromEntries(updates) }, { ...values, x });
}

/** A layer applied to a tensor of a fixed shape. */
export function traced(layer: Layer, x: Tensor, training: boolean) {
  const shape = [null, ...x.shape.slice(1)];
  return trace({ network: layer, input: { shape, dtype: 'float32' } }, x, { training });
}

/** A trainer of a network for examples of this shape: two classes, plain gradient descent. */
export function trainerOf(
  backend: Backend,
  network: Layer,
  shape: readonly number[],
  options: Partial<TrainerOptions> = {},
): Promise<Trainer> {
  const model = defineModel(network, { input: { shape: [null, ...shape], dtype: 'float32' } });
  return createTrainer({ model, backend, objective: classification(), optimizer: sgd(), ...options });
}

/** Mean and population variance. */
export function momentsOf(values: Data): { mean: number; variance: number } {
  const all = Array.from(values);
  const mean = all.reduce((sum, v) => sum + v / all.length, 0);
  return { mean, variance: all.reduce((sum, v) => sum + (v - mean) ** 2 / all.length, 0) };
}

/** (x − mean) / √(variance + epsilon) of these values. */
export function normalized(values: Data, epsilon = 1e-5): number[] {
  const { mean, variance } = momentsOf(values);
  return Array.from(values, (v) => (v - mean) / Math.sqrt(variance + epsilon));
}

/** The values of each channel of [batch, channels, …], by channel. */
export function byChannel(values: Data, [batch, channels, ...rest]: readonly number[]): number[][] {
  const size = sizeOf(rest);
  return Array.from({ length: channels! }, (_, c) =>
    Array.from(
      { length: batch! * size },
      (_, i) => values[(Math.floor(i / size) * channels! + c) * size + (i % size)]!,
    ),
  );
}

/** Fixed numbers that look random, in −1..1, as float32 has them. */
export function wave(size: number, phase = 0): number[] {
  const value = (i: number) => Math.sin(12.9898 * (i + 1) + 78.233 * phase) * Math.cos(0.7 * i + phase);
  return Array.from({ length: size }, (_, i) => Math.fround(value(i)));
}

/** Numbers as float32 has them. */
export const float32 = (values: Data): number[] => Array.from(values, Math.fround);

export function expectNear(actual: Data | undefined, expected: Data, tolerance: number): void {
  expect(actual).toHaveLength(expected.length);
  const apart = Array.from(expected, (v, i) => Math.abs(v - actual![i]!));
  expect(Math.max(...apart)).toBeLessThanOrEqual(tolerance);
}

/** The message of the error that an action ends in. */
export async function refusalOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}
