// The profile of one session: ONNX Runtime's own profiler writes a file, which is read and removed.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Phase, Report } from '@bn/core';
import type { InferenceSession } from 'onnxruntime-node';
import { readNodeName } from './node-name.js';

/** An event of the file; times in microseconds. */
interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

export class SessionProfile {
  readonly #folder: string;
  readonly #skippedRuns: number;
  #runs = 0;
  #seconds = 0;

  private constructor(folder: string, skippedRuns: number) {
    this.#folder = folder;
    this.#skippedRuns = skippedRuns;
  }

  static async create(skippedRuns: number): Promise<SessionProfile> {
    return new SessionProfile(await mkdtemp(join(tmpdir(), 'bn-onnxruntime-')), skippedRuns);
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
    return { runs, seconds, phases: phasesOf(events, this.#skippedRuns) };
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** One phase for each node, in the order of execution. */
function phasesOf(events: readonly ProfileEvent[], skippedRuns: number): Phase[] {
  const starts = events.filter(({ name }) => name === 'model_run').map(({ ts }) => ts);
  const first = starts.sort((a, b) => a - b)[skippedRuns] ?? Number.POSITIVE_INFINITY;
  const seconds = new Map<string, number>();
  const operators = new Map<string, string>();
  for (const { cat, name, ts, dur, args } of events) {
    const node = cat === 'Node' && ts >= first ? /^(.*)_kernel_time$/.exec(name)?.[1] : undefined;
    if (node === undefined) continue;
    seconds.set(node, (seconds.get(node) ?? 0) + dur / 1e6);
    operators.set(node, args?.op_name ?? '');
  }
  return [...seconds].map(([node, seconds]) => {
    const known = readNodeName(node);
    const operator = operators.get(node)!;
    return known
      ? { name: `${known.operation} ${operator}`.trim(), origins: [known.origin], seconds }
      : { name: operator || node, origins: [], seconds };
  });
}
