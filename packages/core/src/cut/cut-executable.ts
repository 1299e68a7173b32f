// Runs a cut graph: segment after segment, each for one shard after the other, and puts together what they have in common.

import type { Backend, Executable, Value } from '../backend.js';
import { joinArrays, type TypedArray } from '../spec.js';
import type { Cut, Reduction, Segment } from './cut-graph.js';
import { addSubtotal, type PartialResult, partialOf, resultsOf, type Subtotal, totalOf } from './partial.js';
import { type Shard, type Share, sharesOf } from './shares.js';

/** The processes that compute one batch together, each a part of it. */
export interface Party {
  /** Which one this is, from 0. */
  readonly rank: number;
  readonly size: number;
  /**
   * The parts of all as one, in the order of their examples (`addSubtotal`, `totalOf`): the same for all. All ask for the same
   * reductions in the same order; a call need not wait for the one before.
   *
   * @param own of each reduction what this one has
   * @param shares of the batch, of all
   */
  reduce(
    reductions: readonly Reduction[],
    own: readonly (readonly Subtotal[])[],
    shares: readonly Share[],
  ): Promise<readonly PartialResult[]>;
}

/** How batches are divided. */
export interface Division {
  /** Examples that are computed at a time, at most. Default: all that a process has. */
  readonly most?: number | undefined;
  /** Who computes them. Default: this process alone. */
  readonly party?: Party | undefined;
}

/** What a run is given. */
export interface CutInputs {
  /** Of an input with rows: those of `count` examples from `start` on. */
  rowsOf(name: string, start: number, count: number): TypedArray;
  /** The other inputs of the cut graph. They stay the caller's. */
  readonly values: ReadonlyMap<string, Value>;
}

interface Loaded extends Segment {
  readonly executable: Executable;
}

export class CutExecutable {
  readonly #backend: Backend;
  readonly #cut: Cut;
  readonly #division: Division;
  readonly #shares: readonly Share[];
  /** What this process computes. */
  readonly #own: Share;
  readonly #segments = new Map<string, Loaded>();
  #last: Executable | null = null;
  /** By the name of an input, the first segment that takes it. */
  readonly #firstUse = new Map<string, number>();

  private constructor(backend: Backend, cut: Cut, division: Division) {
    this.#backend = backend;
    this.#cut = cut;
    const { most, party } = division;
    this.#shares = sharesOf(cut.batched.examples, most, party?.size ?? 1);
    this.#own = this.#shares[party?.rank ?? 0]!;
    this.#division = division;
  }

  /** Compiles all segments. */
  static async compile(backend: Backend, cut: Cut, division: Division): Promise<CutExecutable> {
    const executable = new CutExecutable(backend, cut, division);
    try {
      await executable.#compile();
    } catch (error) {
      await executable.dispose();
      throw error;
    }
    return executable;
  }

  async #compile(): Promise<void> {
    const sizes = new Set(this.shards.map(({ size }) => size));
    const [some] = this.#shares.flatMap(({ shards }) => shards);
    const wanted: [key: string, segment: Segment][] = [];
    for (let level = 0; level < this.#cut.levels; level++) {
      for (const size of sizes) wanted.push([keyOf(level, size), this.#cut.segment(level, size)]);
      // What is needed when is the same for all sizes, also where there are no examples.
      const { graph } = wanted.at(-1)?.[1] ?? this.#cut.segment(level, some!.size);
      for (const name of graph.inputs.keys()) {
        if (!this.#firstUse.has(name)) this.#firstUse.set(name, level);
      }
    }
    // The largest first: backends that share memory among executables then make room once.
    wanted.sort(([, a], [, b]) => b.graph.nodes.length - a.graph.nodes.length);
    for (const [key, segment] of wanted) {
      this.#segments.set(key, { ...segment, executable: await this.#backend.compile(segment.graph) });
    }
    this.#last = await this.#backend.compile(this.#cut.last);
  }

  /** Names of the inputs that are given by `rowsOf`. */
  get rows(): ReadonlySet<string> {
    return this.#cut.batched.rows;
  }

  get shards(): readonly Shard[] {
    return this.#own.shards;
  }

  /** Runs once. The outputs are the caller's to release. */
  async run(given: CutInputs): Promise<Map<string, Value>> {
    const { levels, reductions } = this.#cut;
    /** Results of reductions, and of each shard what it keeps. */
    const results = new Map<string, Value>();
    const kept = this.shards.map(() => new Map<string, Value>());
    const underWay: { neededAt: number; done: Promise<void> }[] = [];
    const arrived = async (level: number) => {
      for (const one of underWay) if (one.neededAt <= level) await one.done;
    };
    try {
      for (let level = 0; level < levels; level++) {
        await arrived(level);
        const own = reductions.filter((reduction) => reduction.level === level);
        let parts: Subtotal[][] = own.map(() => []);
        for (const [i, shard] of this.shards.entries()) {
          const outputs = await this.#runShard(level, shard, { ...given, results, kept: kept[i]! });
          const first = this.#own.first + i;
          const at = { level, first, examples: shard.size, kept: kept[i]! };
          parts = await this.#collect(outputs, own, parts, at);
        }
        for (const [neededAt, these] of this.#byNeed(own)) {
          const reducing = this.#reduce(
            these,
            these.map((one) => parts[own.indexOf(one)]!),
            results,
          );
          reducing.catch(() => {}); // whoever waits for it is told
          underWay.push({ neededAt, done: reducing });
        }
      }
      await arrived(levels);
      const inputs = new Map(
        [...this.#cut.last.inputs.keys()].map((name) => [name, results.get(name) ?? given.values.get(name)!]),
      );
      return await this.#last!.run(inputs);
    } finally {
      await Promise.allSettled(underWay.map(({ done }) => done));
      for (const values of [results, ...kept]) for (const value of values.values()) this.#backend.release(value);
    }
  }

  async #runShard(
    level: number,
    { start, size }: Shard,
    given: CutInputs & { readonly results: ReadonlyMap<string, Value>; readonly kept: ReadonlyMap<string, Value> },
  ): Promise<Map<string, Value>> {
    const { graph, rows, executable } = this.#segments.get(keyOf(level, size))!;
    const uploaded: Value[] = [];
    try {
      const inputs = new Map<string, Value>();
      for (const [name, spec] of graph.inputs) {
        const turned = rows.get(name);
        if (turned) {
          const data = this.#turnedRows(given, turned.name, start + turned.by, size);
          uploaded.push(this.#backend.upload(data, spec));
        }
        const value = turned
          ? uploaded.at(-1)
          : (given.kept.get(name) ?? given.results.get(name) ?? given.values.get(name));
        inputs.set(name, value!);
      }
      return await executable.run(inputs);
    } finally {
      for (const value of uploaded) this.#backend.release(value);
    }
  }

  /** Rows from a place that may lie behind the last one, after which comes the first. */
  #turnedRows({ rowsOf }: CutInputs, name: string, from: number, count: number): TypedArray {
    const { examples } = this.#cut.batched;
    const start = from % examples;
    const first = Math.min(count, examples - start);
    const parts = [rowsOf(name, start, first)];
    if (first < count) parts.push(rowsOf(name, 0, count - first));
    return parts.length === 1 ? parts[0]! : joinArrays(parts);
  }

  /** Takes what a shard has computed: returns its parts of reductions merged with those before. */
  async #collect(
    outputs: Map<string, Value>,
    reductions: readonly Reduction[],
    before: readonly (readonly Subtotal[])[],
    {
      level,
      first,
      examples,
      kept,
    }: {
      readonly level: number;
      readonly first: number;
      readonly examples: number;
      readonly kept: Map<string, Value>;
    },
  ): Promise<Subtotal[][]> {
    try {
      const keeps = this.#cut.keptAfter(level);
      for (const [name, value] of kept) {
        if (keeps.has(name)) continue;
        kept.delete(name);
        this.#backend.release(value);
      }
      for (const [name, value] of outputs) {
        if (!keeps.has(name)) continue;
        kept.set(name, value);
        outputs.delete(name);
      }
      const merged: Subtotal[][] = [];
      for (const [i, reduction] of reductions.entries()) {
        const data: TypedArray[] = [];
        for (const name of reduction.parts) data.push(await this.#backend.download(outputs.get(name)!));
        const partial = partialOf(reduction, examples, data);
        merged.push(addSubtotal(reduction, before[i]!, { first, count: 1, partial }));
      }
      return merged;
    } finally {
      for (const value of outputs.values()) this.#backend.release(value);
    }
  }

  /** Reductions by the level of the segment that needs them first, the most urgent first. */
  #byNeed(reductions: readonly Reduction[]): [neededAt: number, reductions: Reduction[]][] {
    const groups = new Map<number, Reduction[]>();
    for (const reduction of reductions) {
      const firsts = reduction.results.map((name) => this.#firstUse.get(name) ?? this.#cut.levels);
      const neededAt = Math.min(...firsts);
      groups.set(neededAt, [...(groups.get(neededAt) ?? []), reduction]);
    }
    return [...groups].sort(([a], [b]) => a - b);
  }

  async #reduce(
    reductions: readonly Reduction[],
    own: readonly (readonly Subtotal[])[],
    results: Map<string, Value>,
  ): Promise<void> {
    const { party } = this.#division;
    const all = party
      ? await party.reduce(reductions, own, this.#shares)
      : reductions.map((reduction, i) => totalOf(reduction, own[i]!));
    for (const [i, reduction] of reductions.entries()) {
      const arrays = resultsOf(reduction, all[i]!);
      for (const [k, name] of reduction.results.entries())
        results.set(name, this.#backend.upload(arrays[k]!, reduction.spec));
    }
  }

  async dispose(): Promise<void> {
    for (const { executable } of this.#segments.values()) await executable.dispose();
    this.#segments.clear();
    await this.#last?.dispose();
  }
}

function keyOf(level: number, size: number): string {
  return `${level} × ${size}`;
}
