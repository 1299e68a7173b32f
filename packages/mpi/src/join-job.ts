// Joins the processes that a launcher has started into one that trains: the main thread's side.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { deserialize, serialize } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { BnError, type PartialResult, type Party, type Reduction, type Share, type Subtotal } from '@bn/core';
import type { Job } from './job.js';
import { libraryVariable } from './library.js';
import { Exchange } from './wire.js';
import type { Answer, Request } from './worker.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** This process as one of a job. What is asked of it, all ranks must ask in the same order. */
export interface Member extends Party {
  readonly rank: number;
  readonly size: number;
  /** For people: `rank 2 on node7`. */
  readonly name: string;
  /** For people, such as `Open MPI v4.1.4`. */
  readonly library: string;
  /** Processors for this rank alone: those that it may use, shared with the ranks that may use the same ones. */
  readonly processors: number;
  /**
   * Aborted when any rank's own signal is, in all of them before the same step.
   *
   * @param own signal of this process
   */
  stopTogether(own: AbortSignal): AbortSignal;
  /** What rank 0 makes, for all; it is not made elsewhere. */
  fromFirst<T>(make: () => Promise<T>): Promise<T>;
  /**
   * Whether facts, by what they are facts of, are the same in all ranks.
   *
   * @throws BnError `argument` in all ranks, naming the first one that has another fact than rank 0
   */
  requireSame(facts: Readonly<Record<string, string>>): Promise<void>;
  /** Takes leave, when all are done. */
  finish(): Promise<void>;
  /** Ends the processes of all ranks, at once. */
  abort(): void;
}

/**
 * @throws BnError `backend` without an MPI library, or with one that is not the launcher's
 */
export async function joinJob(job: Job, env: Environment): Promise<Member> {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { env: { ...env }, job } });
  const first = await new Promise<Answer>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  if (first.kind !== 'joined') {
    const why = first.kind === 'failed' ? first.message : first.kind;
    throw new BnError('backend', `${job.launcher} has started ${job.size} processes to train together, but ${why}`);
  }
  if (first.size !== job.size) {
    await worker.terminate();
    throw new BnError(
      'backend',
      `${job.launcher} has started ${job.size} processes, but ${first.library} sees ${first.size}: it is not the library of ` +
        `that launcher; start by the mpirun that belongs to it, or name the launcher's libmpi in ${libraryVariable}`,
    );
  }
  const member = new MpiMember(worker, first);
  await member.meet();
  return member;
}

class MpiMember implements Member {
  readonly #worker: Worker;
  readonly rank: number;
  readonly size: number;
  readonly library: string;
  readonly #host: string;
  /** `rank 2 on node7`, of all. */
  #names: readonly string[] = [];
  processors = 1;
  readonly #answers = new Map<number, (bytes: Uint8Array) => void>();
  #asked = 0;
  /** The second messages of calls, which come in the order of the calls. */
  #seconds: Promise<unknown> = Promise.resolve();
  #own: AbortSignal | null = null;
  readonly #stop = new AbortController();
  #ended: (() => void) | null = null;

  constructor(worker: Worker, { rank, size, library, host }: Answer & { kind: 'joined' }) {
    this.#worker = worker;
    this.rank = rank;
    this.size = size;
    this.library = library;
    this.#host = host;
    worker.on('message', (answer: Answer) => {
      if (answer.kind === 'finished') this.#ended?.();
      if (answer.kind !== 'done') return;
      this.#answers.get(answer.id)!(answer.bytes);
      this.#answers.delete(answer.id);
      if (this.#answers.size === 0) worker.unref();
    });
    worker.unref();
  }

  get name(): string {
    return this.#names[this.rank]!;
  }

  /** Learns who the others are. */
  async meet(): Promise<void> {
    const about = { host: this.#host, mask: processorMask(), processors: availableParallelism() };
    const all = await this.#exchangeObjects(about);
    this.#names = all.map(({ host }, rank) => `rank ${rank} on ${host}`);
    const sharing = all.filter(({ host, mask }) => host === about.host && mask === about.mask).length;
    this.processors = Math.max(1, Math.floor(about.processors / sharing));
  }

  async reduce(
    reductions: readonly Reduction[],
    own: readonly (readonly Subtotal[])[],
    shares: readonly Share[],
  ): Promise<readonly PartialResult[]> {
    const exchange = new Exchange(reductions, shares);
    const message = exchange.encodeShort(own, this.#own?.aborted ?? false);
    const short = this.#gather(
      bytesOf(message),
      0,
      exchange.shortLengths.map((length) => 8 * length),
    );
    const sums = exchange.longLength > 0 ? this.#sum(exchange, own) : null;
    const messages = (await short).map(doublesOf);
    const merged = new Map([...exchange.mergeShort(messages), ...(sums ? exchange.decodeLong(await sums) : [])]);
    if (messages.some(([wantsStop]) => wantsStop === 1)) this.#stop.abort(this.#own?.reason);
    return reductions.map((_, i) => merged.get(i)!);
  }

  stopTogether(own: AbortSignal): AbortSignal {
    this.#own = own;
    return this.#stop.signal;
  }

  async fromFirst<T>(make: () => Promise<T>): Promise<T> {
    const [first] = await this.#exchangeObjects(this.rank === 0 ? { made: await make() } : { made: null });
    return first!.made as T;
  }

  async requireSame(facts: Readonly<Record<string, string>>): Promise<void> {
    const all = await this.#exchangeObjects(facts);
    const difference = differenceAmong(all);
    if (!difference) return;
    const { what, rank, its, first } = difference;
    throw new BnError(
      'argument',
      `${this.#names[rank]} differs from ${this.#names[0]} in ${what}: ${its ?? 'none'}, not ${first ?? 'none'}; all ranks must train the same`,
    );
  }

  async finish(): Promise<void> {
    this.#worker.ref();
    const finished = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    this.#worker.postMessage({ kind: 'finish' } satisfies Request);
    await finished;
  }

  abort(): void {
    this.#worker.postMessage({ kind: 'abort' } satisfies Request);
    // The process ends meanwhile; if it does not, the launcher ends the others when this one is gone.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
  }

  /** Objects of all ranks. */
  async #exchangeObjects<T>(own: T): Promise<readonly T[]> {
    const stop = this.#own?.aborted ?? false;
    const bytes = Uint8Array.from(serialize({ own, stop }));
    const eight = Array.from({ length: this.size }, () => 8);
    const lengths = this.#gather(bytesOf(Float64Array.of(bytes.length)), 0, eight);
    const { all } = await this.#inOrder(async () => {
      const counts = (await lengths).map((one) => doublesOf(one)[0]!);
      return { all: this.#gather(bytes, 1, counts) };
    });
    const objects = (await all).map((one) => deserialize(one) as { own: T; stop: boolean });
    if (objects.some((one) => one.stop)) this.#stop.abort(this.#own?.reason);
    return objects.map((one) => one.own);
  }

  /** Does what needs answers, after that of the calls before: so all ranks ask in the same order. */
  #inOrder<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#seconds.then(task);
    this.#seconds = done.catch(() => {});
    return done;
  }

  /** Each rank puts one slice of the long sums together, and all gather the slices. */
  async #sum(exchange: Exchange, own: readonly (readonly Subtotal[])[]): Promise<Float32Array> {
    const slices = this.#ask({
      ...{ kind: 'exchange', lane: 0, bytes: exchange.encodeLong(own) },
      counts: Int32Array.from(exchange.longCounts(this.rank)),
      own: Int32Array.from({ length: this.size }, (_, rank) => exchange.longCounts(rank)[this.rank]!),
    });
    const { all } = await this.#inOrder(async () => {
      const sum = exchange.sumSlices(await slices);
      const counts = Int32Array.from(exchange.sliceLengths, (length) => 4 * length);
      return { all: this.#ask({ kind: 'gather', lane: 1, bytes: bytesOf(sum), counts }) };
    });
    return new Float32Array((await all).buffer);
  }

  /** Bytes of all ranks, in their order: as many as `counts` says of each. */
  async #gather(bytes: Uint8Array, lane: number, counts: readonly number[]): Promise<Uint8Array[]> {
    const all = await this.#ask({ kind: 'gather', lane, bytes, counts: Int32Array.from(counts) });
    let end = 0;
    return counts.map((count) => {
      end += count;
      return all.subarray(end - count, end);
    });
  }

  #ask(
    asked: Omit<Request & { kind: 'gather' }, 'id'> | Omit<Request & { kind: 'exchange' }, 'id'>,
  ): Promise<Uint8Array> {
    const id = this.#asked++;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#worker.ref();
      this.#worker.postMessage({ ...asked, id } as Request, [asked.bytes.buffer as ArrayBuffer]);
    });
  }
}

function bytesOf({ buffer }: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer);
}

/** Of bytes that begin at a multiple of eight. */
function doublesOf({ buffer, byteOffset, length }: Uint8Array): Float64Array {
  return new Float64Array(buffer as ArrayBuffer, byteOffset, length / 8);
}

/** The first rank that has another fact than rank 0, and which. */
export function differenceAmong(
  all: readonly Readonly<Record<string, string>>[],
): { what: string; rank: number; its: string | undefined; first: string | undefined } | null {
  const [first = {}] = all;
  for (const [rank, facts] of all.entries()) {
    const what = [...new Set([...Object.keys(first), ...Object.keys(facts)])].find((key) => facts[key] !== first[key]);
    if (what !== undefined) return { what, rank, its: facts[what], first: first[what] };
  }
  return null;
}

/** Which processors the system lets this process use: launchers may give each rank its own. Empty where that is not known. */
function processorMask(): string {
  try {
    return /^Cpus_allowed:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}
