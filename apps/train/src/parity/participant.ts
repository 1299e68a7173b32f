// One backend in its child process: loads what everyone loads, and computes the steps that it is asked for.

import { type Answer, computeOptions, loadBackend, type RunData } from '@bn/command-line';
import {
  type Backend,
  type Batch,
  BnError,
  createTrainer,
  type HostTensor,
  type Observation,
  type Trainer,
  type TrainerOptions,
} from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import type { RunConfig } from '../config/settings.js';
import { batchesOf, loadTraining } from '../load/load-training.js';
import { optimizerOf } from '../run/learning-rule.js';
import { difference } from './difference.js';
import { Exchange, keyOf } from './exchange.js';
import type { Setup, Tasks } from './tasks.js';

export async function createParticipant(setup: Setup): Promise<Participant> {
  const { config, workingFolder } = setup;
  const { fitted, data } = await loadTraining(config, workingFolder);
  const { model, objective } = fitted;
  const backend = await backendOf(setup);
  const options = { model, backend, objective, optimizer: optimizerOf(config), seed: config.seed };
  return new Participant(setup, options, data, await createTrainer(options));
}

async function backendOf({ backend, config, workingFolder }: Setup): Promise<Backend> {
  if (!backend) return createReference({ precision: 64 });
  return loadBackend(backend.name, workingFolder, computeOptions({ ...config, engine: backend.engine ?? null }));
}

export class Participant {
  readonly #options: TrainerOptions;
  readonly #config: RunConfig;
  readonly #exchange: Exchange;
  readonly #data: RunData;
  /** Stands at the state of the step that is asked for; steps are asked for one after another. */
  readonly #stepwise: Trainer;
  readonly #batches: Iterator<Batch, never>;

  constructor(setup: Setup, options: TrainerOptions, data: RunData, stepwise: Trainer) {
    this.#options = options;
    this.#config = setup.config;
    this.#exchange = new Exchange(setup.exchange);
    this.#data = data;
    this.#stepwise = stepwise;
    this.#batches = batchesOf(data.train, setup.config);
  }

  about(): Answer<Tasks, 'open'> {
    const { device, engine } = this.#options.backend;
    return { data: this.#data.description, device: device.description, ...(engine !== undefined && { engine }) };
  }

  async observe(step: number): Promise<Answer<Tasks, 'observe'>> {
    const trainer = this.#stepwise;
    const state = await trainer.checkpoint();
    const observations = await trainer.observe(this.#batches.next().value, this.#config);
    const loss = observations.find(({ kind }) => kind === 'loss')!.data[0]!;
    if (!Number.isFinite(loss)) {
      throw new BnError('not-finite', `step ${step}: the reference's loss is ${loss}; lower --learning-rate`);
    }
    await this.#exchange.write(step, state, observations);
    trainer.restore({
      tensors: new Map([...state.tensors, ...valuesAfter(observations)]),
      position: { ...state.position, steps: step },
    });
    return { loss };
  }

  async compare(step: number): Promise<Answer<Tasks, 'compare'>> {
    this.#stepwise.restore(await this.#exchange.readState(step));
    const expected = await this.#exchange.readObservations(step);
    const observations = await this.#stepwise.observe(this.#batches.next().value, this.#config);
    return observations.map((observation) => {
      const { layer, kind, name, data } = observation;
      return { layer, kind, name, step, difference: difference(data, expected.get(keyOf(observation))!.data) };
    });
  }

  async train(steps: number): Promise<Answer<Tasks, 'train'>> {
    const trainer = await createTrainer(this.#options);
    const batches = batchesOf(this.#data.train, this.#config);
    const losses = new Array<number>(steps).fill(Number.NaN);
    try {
      for (let i = 0; i < steps; i++) losses[i] = (await trainer.step(batches.next().value, this.#config)).loss;
    } catch (error) {
      // That it diverges where the reference does not is a result.
      if (!(error instanceof BnError && error.code === 'not-finite')) throw error;
    } finally {
      await trainer.dispose();
    }
    return losses;
  }
}

/** Parameters, states and slots after a step, rounded to float32 as the state of the next. */
function valuesAfter(observations: readonly Observation[]): [string, HostTensor][] {
  return observations
    .filter(({ kind }) => kind === 'state' || kind === 'parameter' || kind === 'slot')
    .map(({ name, shape, data }) => [name, { shape, data: Float32Array.from(data) }]);
}
