// What runs in workers, as text: it has to work without a file of its own, in Node and in browsers, also when bundled.

import { createMember, type Member, type Work } from './member.js';

/** Messages to a worker. The first is `start`; each is answered by `ready`. */
type ToWorker =
  | { readonly type: 'start'; readonly memory: WebAssembly.Memory; readonly threads: number; readonly index: number }
  | {
      readonly type: 'load';
      readonly id: number;
      readonly module: WebAssembly.Module;
      readonly work: Omit<Work, 'exports'>;
    }
  | { readonly type: 'unload'; readonly id: number };

type MakeMember = (memory: WebAssembly.Memory, threads: number, mayWait: boolean) => Member;

/**
 * Sleeps until there is a run, or messages to read: while it sleeps or computes it receives none. Refers to nothing
 * outside itself.
 */
function serve(
  makeMember: MakeMember,
  receive: (handle: (message: ToWorker) => void) => void,
  ready: () => void,
): void {
  const [run, command, listen] = [256, 257, -1];
  const programs = new Map<number, Work>();
  let memory: WebAssembly.Memory;
  let words: Int32Array;
  let member: Member;
  let seen = 0;
  receive((message) => {
    if (message.type === 'start') {
      memory = message.memory;
      words = new Int32Array(memory.buffer);
      member = makeMember(memory, message.threads, true);
      seen = Atomics.load(words, run);
    } else if (message.type === 'load') {
      const { exports } = new WebAssembly.Instance(message.module, { env: { memory } });
      programs.set(message.id, { ...message.work, exports: exports as unknown as Work['exports'] });
    } else programs.delete(message.id);
    ready();
    for (;;) {
      Atomics.wait(words, run, seen);
      seen = Atomics.load(words, run);
      const wanted = Atomics.load(words, command);
      if (wanted === listen) return;
      try {
        member.run(programs.get(wanted)!);
      } catch {
        // The calling thread learns of it through the control block.
      }
    }
  });
}

const forNode = `
const { parentPort } = require('node:worker_threads');
(${serve})(${createMember}, (handle) => parentPort.on('message', handle), () => parentPort.postMessage('ready'));
`;
const forBrowsers = `
(${serve})(${createMember}, (handle) => { onmessage = ({ data }) => handle(data); }, () => postMessage('ready'));
`;

/** A worker, wherever this runs. */
export interface WorkerThread {
  /** Sends a message; resolves when the worker has dealt with it. */
  send(message: ToWorker): Promise<void>;
  terminate(): void;
}

export async function startWorker(): Promise<WorkerThread> {
  return globalThis.process?.versions?.node === undefined ? browserWorker() : nodeWorker();
}

async function nodeWorker(): Promise<WorkerThread> {
  const { Worker } = await import('node:worker_threads');
  const worker = new Worker(forNode, { eval: true });
  worker.unref();
  return {
    send: (message) =>
      new Promise((resolve, reject) => {
        // A program must not end while it waits, and need not wait for a worker that has nothing to do.
        worker.ref();
        worker.once('error', reject);
        worker.once('message', () => {
          worker.off('error', reject);
          worker.unref();
          resolve();
        });
        worker.postMessage(message);
      }),
    terminate: () => void worker.terminate(),
  };
}

function browserWorker(): WorkerThread {
  const url = URL.createObjectURL(new Blob([forBrowsers], { type: 'text/javascript' }));
  const worker = new Worker(url);
  return {
    send: (message) =>
      new Promise((resolve, reject) => {
        worker.onmessage = () => resolve();
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage(message);
      }),
    terminate: () => {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
