// Batching: who is computed with whom, and when. On a clock that the test turns.

import { BnError, type TypedArray } from '@bn/core';
import { expect, it } from 'vitest';
import { BatchQueue, batchSizes } from '../src/serve/batching/batch-queue.js';
import { Dispatcher } from '../src/serve/batching/dispatcher.js';
import { Predictor, type QueueLimits } from '../src/serve/batching/predictor.js';
import { Caller } from '../src/serve/caller.js';
import { Statistics } from '../src/serve/models/statistics.js';
import { FakeClock } from './fake-clock.js';

/** One worker whose batches end when the test says so; each output row is the row's first feature times ten. */
function setUp(limits: Partial<QueueLimits> = {}) {
  const clock = new FakeClock();
  const idle = ['worker'];
  const dispatcher = new Dispatcher<string>(
    { acquire: () => idle.pop(), release: (worker) => void idle.push(worker) },
    clock,
  );
  const batches: { features: TypedArray; end(failure?: Error): Promise<void> }[] = [];
  const predictor = new Predictor<string>({
    ...{ clock, dispatcher, dtype: 'uint8', observe: () => {} },
    limits: { maxBatch: 4, maxDelay: 5, maxQueue: 8, timeout: 1000, ...limits },
    compute: (_worker, features) =>
      new Promise((resolve, reject) => {
        const end = async (failure?: Error) => {
          if (failure) reject(failure);
          const data = Float32Array.from({ length: features.length / 2 }, (_, i) => features[i * 2]! * 10);
          resolve(new Map([['y', { data, spec: { dtype: 'float32', shape: [data.length, 1] } }]]));
          await clock.settle();
        };
        batches.push({ features, end });
      }),
  });
  const caller = new Caller();
  const predict = async (...values: number[]) => {
    const features = Uint8Array.from(values.flatMap((value) => [value, 0]));
    const outputs = await predictor.predict(features, values.length, caller);
    return [...outputs.get('y')!.data];
  };
  return { clock, batches, predictor, predict, caller };
}

const firstFeatures = ({ features }: { features: TypedArray }) => [...features].filter((_, i) => i % 2 === 0);

it('a request alone is computed at once, also the next one: nobody waits for companions that never came before', async () => {
  const { clock, batches, predict } = setUp();
  for (const value of [1, 2]) {
    const answer = predict(value);
    await clock.settle();
    await batches.at(-1)!.end();
    expect(await answer).toEqual([value * 10]);
  }
  expect(clock.now()).toBe(0);
});

it('requests that come while a batch is computed make the next one, and each gets its own rows', async () => {
  const { clock, batches, predict } = setUp();
  const first = predict(1);
  await clock.settle();
  const others = [predict(2), predict(3, 4)];
  await clock.settle();
  expect(batches).toHaveLength(1);
  await batches[0]!.end();
  expect(firstFeatures(batches[1]!)).toEqual([2, 3, 4]);
  await batches[1]!.end();
  expect(await Promise.all([first, ...others])).toEqual([[10], [20], [30, 40]]);
});

it('after a batch of several the next waits for as many, but no longer than the delay', async () => {
  const { clock, batches, predict } = setUp();
  const answers = [predict(1), predict(2), predict(3)];
  await clock.settle();
  await batches[0]!.end();
  answers.push(predict(4));
  await clock.advance(4);
  answers.push(predict(5));
  await clock.settle();
  expect(batches).toHaveLength(1);
  await clock.advance(1);
  expect(firstFeatures(batches[1]!)).toEqual([4, 5]);
  await batches[1]!.end();
  answers.push(predict(6), predict(7));
  await clock.settle();
  expect(firstFeatures(batches[2]!)).toEqual([6, 7]);
  await batches[2]!.end();
  await Promise.all(answers);
});

it('batches are filled up to one of a few sizes, none of which is much larger', async () => {
  expect(batchSizes(64)).toEqual([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]);
  expect(batchSizes(1)).toEqual([1]);
  expect(batchSizes(5)).toEqual([1, 2, 3, 4, 5]);
  const { clock, batches, predict } = setUp({ maxBatch: 8 });
  const answer = predict(1, 2, 3, 4, 5);
  await clock.settle();
  expect(firstFeatures(batches[0]!)).toEqual([1, 2, 3, 4, 5, 1]);
  await batches[0]!.end();
  expect(await answer).toEqual([10, 20, 30, 40, 50]);
});

it('a request of more than a batch is computed in several and answered as one', async () => {
  const { clock, batches, predict } = setUp({ maxBatch: 2 });
  const answer = predict(1, 2, 3, 4, 5);
  for (let i = 0; i < 3; i++) {
    await clock.settle();
    await batches[i]!.end();
  }
  expect(await answer).toEqual([10, 20, 30, 40, 50]);
});

it('a full queue refuses at once and says when to come back; more examples than it ever takes are too many', async () => {
  const { clock, batches, predict, predictor } = setUp({ maxQueue: 2, maxBatch: 1 });
  const answers = [predict(1)];
  await clock.settle();
  answers.push(predict(2), predict(3));
  await expect(predict(4)).rejects.toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } });
  await expect(predict(4, 5, 6)).rejects.toMatchObject({ statusCode: 413 });
  expect(predictor.queued).toBe(2);
  for (let i = 0; i < 3; i++) await batches[i]!.end();
  expect(await Promise.all(answers)).toEqual([[10], [20], [30]]);
});

it('who waits too long is told so, and is not computed any more', async () => {
  const { clock, batches, predict, predictor } = setUp({ timeout: 100 });
  const answers = [predict(1)];
  await clock.settle();
  answers.push(predict(2));
  const failures = Promise.allSettled(answers);
  await clock.advance(100);
  expect((await failures).map((result) => result.status === 'rejected' && result.reason.statusCode)).toEqual([
    504, 504,
  ]);
  expect(predictor.queued).toBe(0);
  await batches[0]!.end();
  expect(batches).toHaveLength(1);
});

it('who goes away while waiting is not computed', async () => {
  const { clock, batches, predict, predictor, caller } = setUp();
  const answers = Promise.allSettled([predict(1), predict(2)]);
  caller.leave();
  await answers;
  await clock.settle();
  expect([predictor.queued, batches.length]).toEqual([0, 0]);
});

it('who went away before is not computed, and holds no place', async () => {
  const { batches, predict, predictor, caller } = setUp();
  caller.leave();
  await expect(predict(1)).rejects.toMatchObject({ statusCode: 499 });
  expect([predictor.queued, batches.length]).toEqual([0, 0]);
});

it('a batch that fails is the failure of all in it, and of nobody after it', async () => {
  const { clock, batches, predict } = setUp();
  const answers = Promise.allSettled([predict(1), predict(2)]);
  await clock.settle();
  await batches[0]!.end(new Error('out of memory'));
  expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const next = predict(3);
  await clock.advance(5);
  await batches[1]!.end();
  expect(await next).toEqual([30]);
});

it('who sends what the model refuses is refused alone, with 400', async () => {
  const { clock, batches, predict } = setUp();
  const answers = Promise.allSettled([predict(1), predict(2), predict(3)]);
  await clock.settle();
  const refusal = new BnError('data', 'the index 99 is not in 0 … 9');
  await batches[0]!.end(refusal);
  await batches[1]!.end();
  await batches[2]!.end(refusal);
  await batches[3]!.end();
  expect(batches.slice(1).map(firstFeatures)).toEqual([[1], [2], [3]]);
  expect(await answers).toMatchObject([
    { value: [10] },
    { reason: { statusCode: 400, message: refusal.message } },
    { value: [30] },
  ]);
});

it('of several models the one whose request has waited longest is next', async () => {
  const clock = new FakeClock();
  const order: string[] = [];
  let isIdle = false;
  const workers = { acquire: () => (isIdle ? 'worker' : undefined), release: () => {} };
  const dispatcher = new Dispatcher<string>(workers, clock);
  for (const [name, since] of [
    ['late', 2],
    ['early', 1],
  ] as const) {
    const queue = new BatchQueue<{ rows: number; since: number }>({ maxBatch: 1, maxDelay: 0 });
    queue.add({ rows: 1, since });
    const runBatch = async () => {
      queue.take();
      order.push(name);
    };
    dispatcher.add({ readyAt: () => queue.readyAt(), runBatch });
  }
  await clock.advance(3);
  isIdle = true;
  dispatcher.wake();
  await clock.settle();
  expect(order).toEqual(['early', 'late']);
});

it('statistics: a batch counts once by its size, and for each request in it, which waited for all of it', () => {
  const statistics = new Statistics('m', '1');
  const parts = { input: 1, infer: 10, output: 2 };
  statistics.observeBatch({ rows: 5, waits: [3, 4], duration: 13, parts });
  statistics.observeBatch({ rows: 5, waits: [0], duration: 13, parts: null });
  const { inference_stats, batch_stats, execution_count } = statistics.report();
  expect(inference_stats).toMatchObject({
    ...{ queue: { count: 3, ns: 7e6 }, compute_input: { count: 2, ns: 2e6 } },
    ...{ compute_infer: { count: 2, ns: 20e6 }, compute_output: { count: 2, ns: 4e6 } },
  });
  const once = { compute_input: { count: 1, ns: 1e6 }, compute_infer: { count: 1, ns: 10e6 } };
  expect(batch_stats).toEqual([{ batch_size: 5, ...once, compute_output: { count: 1, ns: 2e6 } }]);
  expect(execution_count).toBe(1);
});
