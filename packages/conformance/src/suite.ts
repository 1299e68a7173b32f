// What the parts of the suite share: the backend under test, the oracle, tolerances and gaps.

import { type Backend, createGraph, type Graph, input, type Tensor, type Value } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectClose } from './expect-close.js';
import type { HostValue } from './host-value.js';
import type { LiteralCase } from './literal-case.js';
import { type Precision, type Tolerances, tolerances } from './tolerances.js';

/** Something a backend does not do. */
export interface Gap {
  /** Why, for the report. */
  readonly reason: string;
  /** Names of cases, or what their names start with before a colon: `erf` is every case of erf. */
  readonly cases: readonly string[];
}

export interface SuiteOptions {
  readonly gaps?: readonly Gap[];
  readonly tolerances?: Partial<Tolerances>;
}

/** A function of tensors and the values to compute it on. */
export interface Computation {
  readonly name: string;
  readonly family: keyof Tolerances;
  readonly inputs: readonly HostValue[];
  readonly build: (...inputs: Tensor[]) => Tensor;
}

export class Suite {
  readonly #options: SuiteOptions;
  readonly #names: string[] = [];
  #backend: Backend | undefined;
  #oracle: Backend | undefined;
  #precision: Precision = 32;

  constructor(createBackend: () => Promise<Backend>, options: SuiteOptions) {
    this.#options = options;
    beforeAll(async () => {
      this.#oracle = await createReference({ precision: 64 });
      this.#backend = await createBackend();
      this.#precision = await precisionOf(this.#backend);
    });
    afterAll(() => this.#backend?.dispose());
  }

  get backend(): Backend {
    return this.#backend!;
  }

  get precision(): Precision {
    return this.#precision;
  }

  tolerance(family: keyof Tolerances): number {
    return this.#options.tolerances?.[family] ?? tolerances[this.#precision][family];
  }

  /** A test on a graph; where the backend has a gap, the test is that compiling says so. */
  graphTest(name: string, graphOf: () => Graph, body: (graph: Graph) => Promise<void>): void {
    this.#names.push(name);
    const gap = this.#options.gaps?.find(({ cases }) => cases.some((pattern) => covers(pattern, name)));
    if (!gap) {
      test(name, () => body(graphOf()));
      return;
    }
    test(`${name} is refused: ${gap.reason}`, async () => {
      await expect(this.backend.compile(graphOf())).rejects.toMatchObject({ name: 'BnError', code: 'unsupported' });
    });
  }

  /** A test that a computation gives what is written. */
  literalTest({ name, family, inputs, build, expected }: LiteralCase): void {
    this.graphTest(
      name,
      () => graphOf(inputs, build),
      async (graph) => {
        expectClose((await this.run(graph, named(inputs))).get('y')!, expected, this.tolerance(family));
      },
    );
  }

  /** A test that a computation gives the same as the reference backend in float64. */
  oracleTest({ name, family, inputs, build }: Computation): void {
    this.graphTest(
      name,
      () => graphOf(inputs, build),
      async (graph) => {
        const expected = (await runGraph(this.#oracle!, graph, named(inputs))).get('y')!;
        expectClose((await this.run(graph, named(inputs))).get('y')!, expected, this.tolerance(family));
      },
    );
  }

  /** Runs a graph once on the backend under test. */
  run(graph: Graph, inputs: Readonly<Record<string, HostValue>>): Promise<Map<string, HostValue>> {
    return runGraph(this.backend, graph, inputs, this.#precision);
  }

  /** Runs a graph once on the reference backend in float64. */
  runOracle(graph: Graph, inputs: Readonly<Record<string, HostValue>>): Promise<Map<string, HostValue>> {
    return runGraph(this.#oracle!, graph, inputs);
  }

  /** A test that no gap has become pointless. */
  testGaps(): void {
    const stale = (this.#options.gaps ?? [])
      .flatMap(({ cases }) => cases)
      .filter((pattern) => !this.#names.some((name) => covers(pattern, name)));
    describe('gaps', () => {
      test('every gap names cases that exist', () => expect(stale).toEqual([]));
    });
  }
}

/** The graph of a computation: inputs x0, x1, … and output y. */
export function graphOf(inputs: readonly HostValue[], build: Computation['build']): Graph {
  return createGraph({ y: build(...inputs.map(({ shape, dtype }, i) => input(`x${i}`, shape, dtype))) });
}

/** The inputs by the names that `graphOf` gives them. */
export function named(inputs: readonly HostValue[]): Record<string, HostValue> {
  return Object.fromEntries(inputs.map((value, i) => [`x${i}`, value]));
}

/** Runs a graph once, from the host to the host. Values that the graph does not take are left out. */
export async function runGraph(
  backend: Backend,
  graph: Graph,
  inputs: Readonly<Record<string, HostValue>>,
  precision: Precision = 32,
): Promise<Map<string, HostValue>> {
  const executable = await backend.compile(graph);
  const held: Value[] = [];
  try {
    const taken = new Map<string, Value>();
    for (const name of graph.inputs.keys()) taken.set(name, upload(backend, inputs[name], precision));
    held.push(...taken.values());
    const outputs = await executable.run(taken);
    held.push(...outputs.values());
    const results = new Map<string, HostValue>();
    for (const [name, value] of outputs) results.set(name, await download(backend, value));
    return results;
  } finally {
    for (const value of held) backend.release(value);
    await executable.dispose();
  }
}

/** Copies to the backend; float32 values are rounded unless the precision is 64. */
export function upload(backend: Backend, { data, shape, dtype }: HostValue, precision: Precision = 32): Value {
  return backend.upload(dtype === 'float32' && precision === 32 ? Float32Array.from(data) : data, { shape, dtype });
}

export async function download(backend: Backend, value: Value): Promise<HostValue> {
  return { ...value.spec, shape: value.spec.shape as readonly number[], data: await backend.download(value) };
}

/** What a backend holds float32 values in. */
async function precisionOf(backend: Backend): Promise<Precision> {
  const value = backend.upload(Float32Array.of(0), { shape: [], dtype: 'float32' });
  const data = await backend.download(value);
  backend.release(value);
  return data instanceof Float64Array ? 64 : 32;
}

function covers(pattern: string, name: string): boolean {
  return name === pattern || name.startsWith(`${pattern}:`);
}
