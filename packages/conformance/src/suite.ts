// What the parts of the suite share: the backend under test, the oracle, tolerances and gaps.

import type { Backend, Graph, Tensor } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectClose } from './expect-close.js';
import type { HostValue, HostValues } from './host-value.js';
import type { LiteralCase } from './literal-case.js';
import { graphOf, named, precisionOf, runGraph } from './run-graph.js';
import { type Precision, type Tolerances, tolerances } from './tolerances.js';

/** Milliseconds that loading a native library, or training on a slow backend, may take. */
export const slow = 180_000;

/** Something a backend does not do. */
export interface Gap {
  /** Why, for the report. */
  readonly reason: string;
  /** Names of cases, or what their names start with before a colon: `erf` is every case of erf. */
  readonly cases: readonly string[];
  /** The cases are computed, but nothing promises their values: they are skipped. Without it, compiling has to refuse them. */
  readonly undefinedValues?: boolean | undefined;
}

export interface SuiteOptions {
  readonly gaps?: readonly Gap[] | undefined;
  readonly tolerances?: Partial<Tolerances> | undefined;
  /** By the name of a case, whether it is run; without it all are. For cases that take long, in a run of their own. */
  readonly cases?: ((name: string) => boolean) | undefined;
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
    }, slow);
    afterAll(() => this.#backend?.dispose());
  }

  get backend(): Backend {
    return this.#backend!;
  }

  /** The reference backend in float64. */
  get oracle(): Backend {
    return this.#oracle!;
  }

  get precision(): Precision {
    return this.#precision;
  }

  tolerance(family: keyof Tolerances): number {
    return this.#options.tolerances?.[family] ?? tolerances[this.#precision][family];
  }

  /** A test on a graph; where the backend has a gap, the test is that compiling says so. `timeout` in milliseconds. */
  graphTest(name: string, graphOf: () => Graph, body: (graph: Graph) => Promise<void>, timeout?: number): void {
    if (!this.#takes(name)) return;
    const gap = this.#gapOf(name);
    if (!gap) {
      test(name, () => body(graphOf()), timeout);
      return;
    }
    if (gap.undefinedValues) {
      test(name, (context) => context.skip(gap.reason));
      return;
    }
    test(`${name} is refused: ${gap.reason}`, async () => {
      await expect(this.backend.compile(graphOf())).rejects.toMatchObject({ name: 'BnError', code: 'unsupported' });
    });
  }

  /** A test of an optional method of backends; where the backend has a gap, the test is that it lacks the method. */
  methodTest(name: string, method: 'compileSteps', body: () => Promise<void>): void {
    if (!this.#takes(name)) return;
    const gap = this.#gapOf(name);
    if (!gap) test(name, body);
    else test(`${name} is not there: ${gap.reason}`, () => expect(this.backend[method]).toBeUndefined());
  }

  /** Notes that there is a case of this name. @returns whether it is run */
  #takes(name: string): boolean {
    this.#names.push(name);
    return this.#options.cases?.(name) ?? true;
  }

  #gapOf(name: string): Gap | undefined {
    return this.#options.gaps?.find(({ cases }) => cases.some((pattern) => covers(pattern, name)));
  }

  /** A test that a computation gives what is written. */
  literalTest({ name, family, inputs, build, expected }: LiteralCase): void {
    this.graphTest(
      name,
      () => graphOf(inputs, build),
      async (graph) => {
        expectClose((await this.run(graph, named(inputs))).y, expected, this.tolerance(family));
      },
    );
  }

  /** A test that a computation gives the same as the reference backend in float64. */
  oracleTest({ name, family, inputs, build }: Computation): void {
    this.graphTest(
      name,
      () => graphOf(inputs, build),
      async (graph) => {
        const expected = await this.runOracle(graph, named(inputs));
        expectClose((await this.run(graph, named(inputs))).y, expected.y, this.tolerance(family));
      },
    );
  }

  /** Runs a graph once on the backend under test. */
  run(graph: Graph, inputs: HostValues): Promise<HostValues> {
    return runGraph(this.backend, graph, inputs, this.#precision);
  }

  /** Runs a graph once on the oracle, on inputs rounded to float32. */
  runOracle(graph: Graph, inputs: HostValues): Promise<HostValues> {
    return runGraph(this.#oracle!, graph, inputs);
  }

  /** The last tests. */
  testEnd(): void {
    const stale = (this.#options.gaps ?? [])
      .flatMap(({ cases }) => cases)
      .filter((pattern) => !this.#names.some((name) => covers(pattern, name)));
    test('every gap names cases that exist', () => expect(stale).toEqual([]));
    test('no value is left over', () => expect(this.backend.liveValues).toBe(0));
  }
}

function covers(pattern: string, name: string): boolean {
  return name === pattern || name.startsWith(`${pattern}:`);
}
