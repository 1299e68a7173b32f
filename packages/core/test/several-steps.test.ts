// Training with several steps in one run of the backend: everything is as with single steps.

import { expect, test, vi } from 'vitest';
import {
  type Backend,
  cosineSchedule,
  decodeCheckpoint,
  encodeCheckpoint,
  type FitOptions,
  type TrainerEvent,
} from '../src/index.js';
import { collect, fitting, points, setup, timeless } from './small-training.js';

/** 6 batches of 16, and one of 4. */
const train: FitOptions = { ...fitting, train: points(100), schedule: cosineSchedule() };

/** Events, the message of the error at the end if there is one, and the state. */
async function outcome(options: Partial<FitOptions>) {
  const { trainer, backend } = await setup();
  const several = vi.spyOn(backend as Required<Backend>, 'compileSteps');
  const events: TrainerEvent[] = [];
  let message = '';
  try {
    for await (const event of trainer.fit({ ...train, ...options })) events.push(event);
  } catch (error) {
    message = (error as Error).message;
  }
  const { position, tensors } = await trainer.checkpoint();
  await trainer.dispose();
  expect(backend.liveValues).toBe(0);
  return {
    result: { events: timeless(events), message, position: { ...position, seconds: 0, waited: 0 }, tensors },
    several,
  };
}

test.each([2, 4, 6, 50])(
  '%i steps in a run give the same bits: dropout, Adam, schedule and the last batch',
  async (n) => {
    const { result, several } = await outcome({ stepsPerRun: n });
    expect(result).toEqual((await outcome({})).result);
    expect(several).toHaveBeenCalledOnce();
    expect(several.mock.calls[0]).toMatchObject([{}, { count: Math.min(n, 6) }]);
  },
);

test('one step in a run is the default on the CPU', async () => {
  expect((await outcome({})).several).not.toHaveBeenCalled();
});

test('a backend that has single steps only takes them', async () => {
  const { trainer, backend } = await setup();
  Object.assign(backend, { compileSteps: undefined });
  const events = await collect(trainer.fit({ ...train, stepsPerRun: 4 }));
  expect(timeless(events)).toEqual((await outcome({})).result.events);
});

test('a loss that is not finite stops at the same step with the same words', async () => {
  // The second step throws the weights away.
  const schedule: FitOptions['schedule'] = ({ step }) => (step === 1 ? 1e38 : 1);
  const { result } = await outcome({ stepsPerRun: 6, schedule });
  expect(result.message).toMatch(/^epoch 1, step [3-6]: the loss is .* is not finite/);
  expect(result).toEqual((await outcome({ schedule })).result);
});

test('a stop comes after the run; what is saved then goes on to the same bits', async () => {
  const expected = (await outcome({})).result;
  const first = await setup();
  const controller = new AbortController();
  const before: TrainerEvent[] = [];
  let bytes: Uint8Array = new Uint8Array();
  for await (const event of first.trainer.fit({ ...train, stepsPerRun: 4, signal: controller.signal })) {
    before.push(event);
    if (event.type === 'step' && event.step === 2) controller.abort();
    if (event.type === 'checkpoint') bytes = encodeCheckpoint(await first.trainer.checkpoint());
  }
  expect(before.at(-1)).toMatchObject({ type: 'checkpoint', reason: 'stopped', epoch: 1, step: 4 });
  const second = await setup({ seed: 99 });
  second.trainer.restore(decodeCheckpoint(bytes));
  const after = await collect(second.trainer.fit({ ...train, stepsPerRun: 3 }));
  expect(timeless([...before.slice(0, -1), ...after])).toEqual(expected.events);
  expect((await second.trainer.checkpoint()).tensors).toEqual(expected.tensors);
});

test('refuses a number of steps that is none', async () => {
  const { trainer } = await setup();
  await expect(collect(trainer.fit({ ...train, stepsPerRun: 0 }))).rejects.toThrow(/stepsPerRun must be a positive/);
});
