// Threads: in a page, whose own thread must stay free, and when they fail.

import { createGraph, input, ops, type Value } from '@bn/core';
import { createBackend, type WebWorker } from '@bn/wasm';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { compile, type Program } from '../src/compile.js';
import { allPasses } from '../src/pipeline.js';
import { Heap } from '../src/run/heap.js';
import { Team } from '../src/run/team.js';

const x = input('x', [64, 500]);
/** Takes more than one thread: no small program. */
const large = createGraph({ y: ops.matmul(x, ops.transpose(x, [1, 0])) });
const small = createGraph({ y: ops.add(x, 1) });
const data = Float32Array.from({ length: 64 * 500 }, (_, i) => ((i * 7919) % 251) / 251);

afterEach(() => vi.unstubAllGlobals());

describe('in a page', () => {
  const inPage = async (
    threads: number,
    body: (backend: Awaited<ReturnType<typeof createBackend>>) => Promise<void>,
  ) => {
    vi.stubGlobal('document', {});
    const backend = await createBackend({ threads });
    await body(backend);
    await backend.dispose();
  };

  test('the thread of the page is free while workers compute, even one', async () => {
    await inPage(1, async (backend) => {
      expect(backend.device.description).toContain('1 thread');
      const executable = await backend.compile(large);
      const held = backend.upload(data, { shape: [64, 500], dtype: 'float32' });
      let done = false;
      const running = executable.run(new Map([['x', held]])).then(() => {
        done = true;
      });
      for (let i = 0; i < 100; i++) await undefined;
      expect(done).toBe(false);
      await running;
    });
  });

  test('runs that are asked for at once do not disturb each other, nor does releasing what they read', async () => {
    const expected = await resultOf(await createBackend({ threads: 1 }));
    await inPage(2, async (backend) => {
      const [executable, other] = await Promise.all([backend.compile(large), backend.compile(small)]);
      const upload = () => backend.upload(data, { shape: [64, 500], dtype: 'float32' });
      const running: Promise<Map<string, Value>>[] = [];
      for (let i = 0; i < 6; i++) {
        const held = upload();
        running.push(executable.run(new Map([['x', held]])));
        backend.release(held);
        backend.release(backend.upload(new Float32Array(data.length), { shape: [64, 500], dtype: 'float32' }));
        const loading = backend.compile(large);
        other.run(new Map([['x', upload()]]));
        await (await loading).dispose();
      }
      for (const outputs of await Promise.all(running)) {
        expect(await backend.download(outputs.get('y')!)).toEqual(expected);
      }
    });
  });
});

test('programs that are compiled while others run arrive at all threads', async () => {
  const backend = await createBackend({ threads: 2 });
  const executable = await backend.compile(large);
  const held = backend.upload(data, { shape: [64, 500], dtype: 'float32' });
  for (let i = 0; i < 50; i++) {
    const loading = backend.compile(large);
    for (let k = 0; k < 20; k++) {
      backend.release((await executable.run(new Map([['x', held]]))).get('y')!);
    }
    await (await loading).dispose();
  }
  await backend.dispose();
});

test('threads that have nothing to do use no processor', async () => {
  const backend = await createBackend({ threads: 3 });
  const executable = await backend.compile(large);
  await executable.run(new Map([['x', backend.upload(data, { shape: [64, 500], dtype: 'float32' })]]));
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { user, system } = process.cpuUsage(before);
  // Microseconds; three threads that spin would use some 600,000.
  expect(user + system).toBeLessThan(150_000);
  await backend.dispose();
});

describe('a thread', () => {
  async function teamOf(program: (made: Program) => Program, inPage: boolean, createWorker?: () => WebWorker) {
    if (inPage) vi.stubGlobal('document', {});
    const heap = new Heap(true);
    // Real workers may take their time to start.
    const team = await Team.start(heap.memory, 2, { limit: createWorker ? 300 : 10_000, createWorker });
    const made = compile(large, 1, {
      ...{ relaxed: false, threads: 2, passes: allPasses, memory: heap, countsRows: false, profile: false },
      reserve: (_, bytes) => heap.allocate(bytes),
    });
    // The input and the output.
    for (const entry of [0, 1]) heap.views.i32[made.table / 4 + entry] = heap.allocate(4 * 64 * 500);
    return { team, handle: await team.load(program(made)) };
  }

  const places: [name: string, inPage: boolean][] = [
    ['in a page', true],
    ['elsewhere', false],
  ];

  test.each(places)('that fails is an error, then and afterwards: %s', async (_, inPage) => {
    const nowhere = (made: Program) => ({ ...made, rounds: [[{ name: 'missing', start: 0, end: 1 }], ...made.rounds] });
    const { team, handle } = await teamOf(nowhere, inPage);
    await expect(team.run(handle, () => {})).rejects.toMatchObject(failure);
    await expect(team.run(handle, () => {})).rejects.toMatchObject(failure);
  });

  const hanging = () => fakeWorker((say) => say('message', { data: 'ready' }));

  test('that hangs is an error where all depends on it, and no wait for ever', async () => {
    const { team, handle } = await teamOf((made) => made, true, hanging);
    await expect(team.run(handle, () => {})).rejects.toMatchObject(failure);
  });

  test('that hangs without a task holds up nobody', async () => {
    const { team, handle } = await teamOf((made) => made, false, hanging);
    // More often than there are blocks of words for runs.
    for (let run = 0; run < 100; run++) await team.run(handle, () => {});
    team.dispose();
  });

  test('that ends between runs is an error in the next: nothing goes on with fewer threads silently', async () => {
    let die: () => void = () => {};
    const { team, handle } = await teamOf(
      (made) => made,
      false,
      () =>
        fakeWorker((say) => {
          say('message', { data: 'ready' });
          die = () => say('error', {});
        }),
    );
    await team.run(handle, () => {});
    die();
    await expect(team.run(handle, () => {})).rejects.toMatchObject(failure);
  });

  test('that cannot be started leaves one, and the reason', async () => {
    const createWorker = () => fakeWorker((say) => say('error', {}));
    const backend = await createBackend({ threads: 2, createWorker });
    expect(backend.device).toEqual({
      kind: 'cpu',
      description: expect.stringContaining('1 thread)'),
      reason: expect.stringMatching(/^one thread: .*could not be loaded; if the page forbids blob: workers, give/),
    });
    await resultOf(backend);
  });
});

const failure = { name: 'BnError', code: 'backend', message: expect.stringMatching(/thread has failed.*create a new/) };

/** A worker that does nothing but react to messages. */
function fakeWorker(react: (say: (type: string, event: { data?: unknown }) => void) => void): WebWorker {
  const listeners = new Map<string, (event: { data?: unknown }) => void>();
  return {
    addEventListener: (type: string, listener: (event: { data?: unknown }) => void) => listeners.set(type, listener),
    postMessage: () => queueMicrotask(() => react((type, event) => listeners.get(type)!(event))),
    terminate: () => {},
  } as WebWorker;
}

async function resultOf(backend: Awaited<ReturnType<typeof createBackend>>) {
  const executable = await backend.compile(large);
  const held = backend.upload(data, { shape: [64, 500], dtype: 'float32' });
  const result = await backend.download((await executable.run(new Map([['x', held]]))).get('y')!);
  await backend.dispose();
  return result;
}
