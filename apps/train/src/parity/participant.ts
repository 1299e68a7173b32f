// One backend in its child process: loads what everyone loads, and computes the steps that it is asked for.

import { type Answer, computeOptions, loadBackend, type TaskTable } from '@bn/command-line';
import { type Backend, BnError, createTrainer, type HostTensor, type Observation } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { batchesOf, loadSteps } from '../load/load-steps.js';
import { difference } from './difference.js';
import { exchangeIn, keyOf } from './exchange.js';
import type { Setup, Tasks } from './tasks.js';

export interface Participant extends Omit<TaskTable<Tasks>, 'open'> {
  about(): Answer<Tasks, 'open'>;
}

/** Steps are observed or compared one after another, from the first. */
export async function createParticipant(setup: Setup): Promise<Participant> {
  const { config } = setup;
  const { options, train: dataset, description } = await loadSteps(config, setup.workingFolder);
  const backend = await backendOf(setup);
  const exchange = exchangeIn(setup.exchange);
  // Stands at the state of the step that is asked for.
  const stepwise = await createTrainer({ ...options, backend });
  const batches = batchesOf(dataset, config);
  return {
    about() {
      const { device, engine } = backend;
      return { data: description, device: device.description, ...(engine !== undefined && { engine }) };
    },

    async observe(step) {
      const state = await stepwise.checkpoint();
      const observations = await stepwise.observe(batches.next().value, config);
      const loss = observations.find(({ kind }) => kind === 'loss')!.data[0]!;
      if (!Number.isFinite(loss)) {
        throw new BnError('not-finite', `step ${step}: the reference's loss is ${loss}; lower --learning-rate`);
      }
      await exchange.write(step, state, observations);
      stepwise.restore({
        tensors: new Map([...state.tensors, ...valuesAfter(observations)]),
        position: { ...state.position, steps: step },
      });
      return { loss };
    },

    async compare(step) {
      stepwise.restore(await exchange.readState(step));
      const expected = await exchange.readObservations(step);
      const observations = await stepwise.observe(batches.next().value, config);
      return observations.map((observation) => {
        const { layer, kind, name, data } = observation;
        return { layer, kind, name, step, difference: difference(data, expected.get(keyOf(observation))!.data) };
      });
    },

    async train(steps) {
      const trainer = await createTrainer({ ...options, backend });
      const own = batchesOf(dataset, config);
      const losses = new Array<number>(steps).fill(Number.NaN);
      try {
        for (let i = 0; i < steps; i++) losses[i] = (await trainer.step(own.next().value, config)).loss;
      } catch (error) {
        // That it diverges where the reference does not is a result.
        if (!(error instanceof BnError && error.code === 'not-finite')) throw error;
      } finally {
        await trainer.dispose();
      }
      return losses;
    },
  };
}

async function backendOf({ backend, config, workingFolder }: Setup): Promise<Backend> {
  if (!backend) return createReference({ precision: 64 });
  return loadBackend(backend.name, workingFolder, computeOptions({ ...config, engine: backend.engine ?? null }));
}

/** Parameters, states and slots after a step, rounded to float32 as the state of the next. */
function valuesAfter(observations: readonly Observation[]): [string, HostTensor][] {
  return observations
    .filter(({ kind }) => kind === 'state' || kind === 'parameter' || kind === 'slot')
    .map(({ name, shape, data }) => [name, { shape, data: Float32Array.from(data) }]);
}
