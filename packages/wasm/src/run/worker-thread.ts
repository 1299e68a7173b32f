// Workers of Node and of browsers, made alike. What runs in them is text: it has to work without a file of its own,
// whatever bundler has put this module wherever.

import { BnError } from '@bn/core';
import { createClock } from './clock.js';
import { node } from './engine.js';
import { createMember } from './member.js';
import { type FromWorker, serve, type ToWorker } from './serve.js';
import type { WebWorker } from './web-worker.js';

/** A worker, wherever this runs. At most one answer of it may be awaited at a time. */
export interface WorkerThread {
  send(message: ToWorker): void;
  /** That it has read a message. Rejects when it fails, or says nothing within the time limit. */
  ready(): Promise<void>;
  terminate(): void;
}

/** What is different in Node and in browsers. */
interface Port {
  post(message: ToWorker): void;
  terminate(): void;
  /** Whether the program must not end now. */
  hold(held: boolean): void;
}

type OpenPort = (onAnswer: (answer: FromWorker) => void, onError: (error: unknown) => void) => Port;

/**
 * Starts a worker.
 *
 * @param create makes a Web Worker of one's own; undefined: from text
 * @param limit milliseconds in which it has to answer
 * @param onDone is called when it has done the last task of a run, or fails while no message is being answered
 */
export function startWorker(
  create: (() => WebWorker) | undefined,
  limit: number,
  onDone: (problem?: BnError) => void,
): WorkerThread {
  let settle: ((problem?: BnError) => void) | undefined;
  let broken: BnError | undefined;
  const failed = (cause: unknown) => {
    const problem = new BnError('backend', `wasm: a worker has failed: ${textOf(cause)}`, { cause });
    (settle ?? onDone)(problem);
    return problem;
  };
  const open: OpenPort = node && !create ? openNodePort : (...handlers) => openWebPort(create, ...handlers);
  const port = open(
    (answer) => {
      if (answer === 'done') onDone();
      else if (answer === 'ready') settle?.();
      else failed(answer);
    },
    (error) => {
      broken = failed(error);
    },
  );
  return {
    send: (message) => port.post(message),
    ready: () =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => failed(`no answer in ${limit / 1000} s`), limit);
        settle = (problem) => {
          clearTimeout(timer);
          settle = undefined;
          port.hold(false);
          if (problem === undefined) resolve();
          else reject(problem);
        };
        port.hold(true);
        if (broken) settle(broken);
      }),
    terminate: () => port.terminate(),
  };
}

const openNodePort: OpenPort = (onAnswer, onError) => {
  const { Worker } = node!.getBuiltinModule('node:worker_threads');
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
    (${serve})(${createMember}, ${createClock}, (handle) => parentPort.on('message', handle), (answer) => parentPort.postMessage(answer));`,
    { eval: true },
  );
  worker.on('message', onAnswer);
  worker.on('error', onError);
  worker.on('exit', (code) => onError(`it ended with code ${code}`));
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => void worker.terminate(),
    // A program must not end while it waits, and need not wait for a worker that has nothing to do.
    hold: (held) => (held ? worker.ref() : worker.unref()),
  };
};

function openWebPort(create = workerFromText, ...[onAnswer, onError]: Parameters<OpenPort>): Port {
  const worker = create();
  worker.addEventListener('message', ({ data }) => onAnswer(data as FromWorker));
  // The page's policy may forbid workers from text: the event then has no message.
  worker.addEventListener('error', ({ message }) => {
    onError(message || 'it could not be loaded; if the page forbids blob: workers, give createWorker');
  });
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => worker.terminate(),
    hold: () => {},
  };
}

function workerFromText(): WebWorker {
  const text = `(${serve})(${createMember}, ${createClock}, (handle) => { onmessage = ({ data }) => handle(data); }, postMessage);`;
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  const worker = new Worker(url);
  // The address is needed until the worker has been loaded.
  worker.addEventListener('message', () => URL.revokeObjectURL(url), { once: true });
  return worker;
}

function textOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}
