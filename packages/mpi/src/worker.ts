// The thread that talks to MPI: one for all calls, from the first to the last. It may wait while the main thread computes.
//
// Collectives are started as they are asked for and may overlap. While some are under way they are looked at again and again, at
// first without a pause, then with naps: ranks often share processors with threads that compute, which a library that waits in a
// loop of its own would keep from them.

import { hostname } from 'node:os';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Job } from './job.js';
import { findLibrary, type Handle, type Library } from './library.js';

/** What the main thread asks for. */
export type Request =
  /** Sends all ranks the same bytes. `counts`: bytes of each rank. */
  | {
      readonly kind: 'gather';
      readonly id: number;
      readonly lane: number;
      readonly bytes: Uint8Array;
      readonly counts: Int32Array;
    }
  /** Sends each rank bytes of its own: `counts` of them to each, and `own` from each. */
  | {
      readonly kind: 'exchange';
      readonly id: number;
      readonly lane: number;
      readonly bytes: Uint8Array;
      readonly counts: Int32Array;
      readonly own: Int32Array;
    }
  | { readonly kind: 'finish' }
  | { readonly kind: 'abort' };

/** What the thread answers: bytes of all ranks, in their order. */
export type Answer =
  | {
      readonly kind: 'joined';
      readonly rank: number;
      readonly size: number;
      readonly library: string;
      readonly host: string;
    }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'done'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'finished' };

/** Communicators. Within one, all ranks must ask for the same in the same order. */
export const lanes = 2;

/** Threads other than the one that has initialized MPI make no calls. */
const threadFunneled = 1;
/** Without a pause for so long, then with naps between, in ms. */
const [eager, nap] = [0.1, 0.05];

interface UnderWay {
  readonly id: number;
  readonly request: Uint8Array;
  readonly received: Uint8Array;
  /** All that the library reads and writes until it is done. */
  readonly held: readonly unknown[];
}

const port = parentPort!;
const { env, job } = workerData as { env: Readonly<Record<string, string | undefined>>; job: Job };

class Mpi {
  readonly #library: Library;
  readonly #lanes: readonly Handle[];
  readonly #gather: (...values: unknown[]) => number;
  readonly #exchange: (...values: unknown[]) => number;
  readonly #test: (...values: unknown[]) => number;
  readonly rank: number;
  readonly size: number;
  readonly #underWay: UnderWay[] = [];
  readonly #sleep = new Int32Array(new SharedArrayBuffer(4));
  readonly #flag = new Int32Array(new ArrayBuffer(4));
  /** Larger than any library's MPI_Status. */
  readonly #status = new Uint8Array(new ArrayBuffer(256));

  constructor(library: Library) {
    this.#library = library;
    const provided = new Int32Array(new ArrayBuffer(4));
    library.function('int MPI_Init_thread(void *, void *, int, void *)')(null, null, threadFunneled, provided);
    const asked = (name: string) => {
      const value = new Int32Array(new ArrayBuffer(4));
      library.function(`int ${name}(%, void *)`)(library.world, value);
      return value[0]!;
    };
    this.rank = asked('MPI_Comm_rank');
    this.size = asked('MPI_Comm_size');
    const duplicate = library.function('int MPI_Comm_dup(%, void *)');
    this.#lanes = Array.from({ length: lanes }, () => {
      const bytes = new ArrayBuffer(8);
      duplicate(library.world, new Uint8Array(bytes));
      return library.family === 'Open MPI' ? new BigUint64Array(bytes)[0]! : new Int32Array(bytes)[0]!;
    });
    this.#gather = library.function('int MPI_Iallgatherv(void *, int, %, void *, void *, void *, %, %, void *)');
    this.#exchange = library.function(
      'int MPI_Ialltoallv(void *, void *, void *, %, void *, void *, void *, %, %, void *)',
    );
    this.#test = library.function('int MPI_Test(void *, void *, void *)');
  }

  get library(): string {
    return this.#library.version;
  }

  handle(asked: Request): void {
    if (asked.kind === 'abort') this.#library.function('int MPI_Abort(%, int)')(this.#library.world, 1);
    else if (asked.kind === 'finish') {
      this.#library.function('int MPI_Finalize()')();
      port.postMessage({ kind: 'finished' } satisfies Answer);
      port.close();
    } else this.#start(asked);
  }

  #start(asked: Request & { kind: 'gather' | 'exchange' }): void {
    const { id, bytes, counts } = asked;
    const { byte } = this.#library;
    const lane = this.#lanes[asked.lane]!;
    const request = new Uint8Array(new ArrayBuffer(8));
    const incoming = asked.kind === 'gather' ? counts : asked.own;
    const [places, from] = [placesOf(counts), placesOf(incoming)];
    const received = new Uint8Array(new ArrayBuffer(incoming.reduce((sum, n) => sum + n, 0)));
    if (asked.kind === 'gather') {
      this.#gather(bytes, bytes.length, byte, received, counts, places, byte, lane, request);
    } else this.#exchange(bytes, counts, places, byte, received, incoming, from, byte, lane, request);
    this.#underWay.push({ id, request, received, held: [bytes, counts, incoming, places, from] });
  }

  /** Until all that is under way, and all that comes meanwhile, is done. */
  wait(): void {
    let since = performance.now();
    while (this.#underWay.length > 0) {
      for (let more = receiveMessageOnPort(port); more; more = receiveMessageOnPort(port)) this.handle(more.message);
      if (this.#answerDone()) since = performance.now();
      else if (performance.now() - since > eager) Atomics.wait(this.#sleep, 0, 0, nap);
    }
  }

  #answerDone(): boolean {
    const before = this.#underWay.length;
    for (const [at, { id, request, received }] of [...this.#underWay.entries()].reverse()) {
      this.#test(request, this.#flag, this.#status);
      if (this.#flag[0] === 0) continue;
      this.#underWay.splice(at, 1);
      port.postMessage({ kind: 'done', id, bytes: received } satisfies Answer, [received.buffer as ArrayBuffer]);
    }
    return this.#underWay.length < before;
  }
}

function placesOf(counts: Int32Array): Int32Array {
  const places = new Int32Array(new ArrayBuffer(4 * counts.length));
  for (let i = 1; i < counts.length; i++) places[i] = places[i - 1]! + counts[i - 1]!;
  return places;
}

try {
  const mpi = new Mpi(await findLibrary(env, job.launcher));
  const { rank, size, library } = mpi;
  port.postMessage({ kind: 'joined', rank, size, library, host: hostname() } satisfies Answer);
  port.on('message', (asked: Request) => {
    mpi.handle(asked);
    mpi.wait();
  });
} catch (error) {
  port.postMessage({ kind: 'failed', message: (error as Error).message } satisfies Answer);
}
