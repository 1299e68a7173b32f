// The profile of one session: ONNX Runtime's own profiler writes a file, which is read and removed.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Graph, Origin, Phase, Report } from '@bn/core';
import type { InferenceSession } from 'onnxruntime-node';
import { countOperations } from './count-operations.js';
import { keyOf, readNodeName } from './node-name.js';

/** An event of the file; times in microseconds. */
interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

export class SessionProfile {
  readonly #graph: Graph;
  readonly #folder: string;
  readonly #skippedRuns: number;
  #runs = 0;
  #seconds = 0;

  private constructor(graph: Graph, folder: string, skippedRuns: number) {
    this.#graph = graph;
    this.#folder = folder;
    this.#skippedRuns = skippedRuns;
  }

  /** Of a session that computes `graph`. */
  static async create(graph: Graph, skippedRuns: number): Promise<SessionProfile> {
    return new SessionProfile(graph, await mkdtemp(join(tmpdir(), 'bn-onnxruntime-')), skippedRuns);
  }

  get sessionOptions(): InferenceSession.SessionOptions {
    return { enableProfiling: true, profileFilePrefix: join(this.#folder, 'session') };
  }

  /** Times a run of the session. */
  async run<T>(body: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await body();
    this.#runs++;
    if (this.#runs > this.#skippedRuns) this.#seconds += (performance.now() - start) / 1000;
    return result;
  }

  /** Ends the profiling. */
  async read(session: InferenceSession): Promise<Report> {
    const [runs, seconds] = [Math.max(0, this.#runs - this.#skippedRuns), this.#seconds];
    session.endProfiling();
    const [file] = await readdir(this.#folder);
    const events: ProfileEvent[] = JSON.parse(await readFile(join(this.#folder, file!), 'utf8'));
    await this.remove();
    return { runs, seconds, phases: phasesOf(events, this.#skippedRuns, this.#graph) };
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** One phase for each operation of the graph in each layer and direction, and for each operator of ONNX Runtime's own. */
function phasesOf(events: readonly ProfileEvent[], skippedRuns: number, graph: Graph): Phase[] {
  const starts = events.filter(({ name }) => name === 'model_run').map(({ ts }) => ts);
  const first = starts.sort((a, b) => a - b)[skippedRuns] ?? Number.POSITIVE_INFINITY;
  const found = new Map<string, { operation: string; origins: Origin[]; operators: Set<string>; seconds: number }>();
  for (const { cat, name, ts, dur, args } of events) {
    const node = cat === 'Node' && ts >= first ? /^(.*)_kernel_time$/.exec(name)?.[1] : undefined;
    if (node === undefined) continue;
    const operator = args?.op_name ?? node;
    const known = readNodeName(node);
    const key = known ? keyOf(known) : operator;
    const phase = found.get(key) ?? {
      ...{ operation: known?.operation ?? '', origins: known ? [known.origin] : [] },
      ...{ operators: new Set<string>(), seconds: 0 },
    };
    phase.operators.add(operator);
    phase.seconds += dur / 1e6;
    found.set(key, phase);
  }
  const counts = countOperations(graph);
  return [...found].map(([key, { operation, origins, operators, seconds }]) => {
    const operations = counts.get(key);
    const name = `${operation} ${[...operators].join('+')}`.trim();
    return { name, origins, seconds, ...(operations !== undefined && { operations }) };
  });
}
