// One backend in its child process: loads what everyone loads, and computes the steps that it is asked for.

import { type Answer, computeOptions, loadBackend, loadData } from '@bn/command-line';
import {
  assembleBatch,
  type Backend,
  type Batch,
  BnError,
  createTrainer,
  type Dataset,
  epochOrder,
  type HostTensor,
  type Observation,
  type Trainer,
  type TrainerOptions,
} from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import type { RunConfig } from '../config/settings.js';
import { fitModel, matchData } from '../load/fit-model.js';
import { loadNetwork } from '../load/load-network.js';
import { objectiveOf, optimizerOf } from '../run/learning-rule.js';
import { difference } from './difference.js';
import { Exchange, keyOf } from './exchange.js';
import type { Setup, Tasks } from './tasks.js';

export async function createParticipant(setup: Setup): Promise<Participant> {
  const { config, workingFolder } = setup;
  const network = await loadNetwork(config, workingFolder);
  const data = await loadData(config, network.shape);
  const objective = objectiveOf(config, data.outputs);
  const fitted = fitModel(network, objective, data, network.signed?.signature.output ?? null);
  const { train } = matchData(fitted, data, config.batchSize).data;
  const backend = await backendOf(setup);
  const options = { model: fitted.model, backend, objective, optimizer: optimizerOf(config), seed: config.seed };
  return new Participant(setup, options, train, data.description, await createTrainer(options));
}

async function backendOf({ backend, config, workingFolder }: Setup): Promise<Backend> {
  if (!backend) return createReference({ precision: 64 });
  return loadBackend(backend.name, workingFolder, computeOptions({ ...config, engine: backend.engine ?? null }));
}

export class Participant {
  readonly #options: TrainerOptions;
  readonly #config: RunConfig;
  readonly #exchange: Exchange;
  readonly #dataset: Dataset;
  readonly #description: string;
  /** Stands at the state of the step that is asked for. */
  readonly #stepwise: Trainer;

  constructor(setup: Setup, options: TrainerOptions, dataset: Dataset, description: string, stepwise: Trainer) {
    this.#options = options;
    this.#config = setup.config;
    this.#exchange = new Exchange(setup.exchange);
    this.#dataset = dataset;
    this.#description = description;
    this.#stepwise = stepwise;
  }

  about(): Answer<Tasks, 'open'> {
    const { device, engine } = this.#options.backend;
    return { data: this.#description, device: device.description, ...(engine !== undefined && { engine }) };
  }

  async observe(step: number): Promise<Answer<Tasks, 'observe'>> {
    const trainer = this.#stepwise;
    const state = await trainer.checkpoint();
    const observations = await trainer.observe(this.#batch(step), this.#config);
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
    const observations = await this.#stepwise.observe(this.#batch(step), this.#config);
    return observations.map((observation) => {
      const { layer, kind, name, data } = observation;
      return { layer, kind, name, step, difference: difference(data, expected.get(keyOf(observation))!.data) };
    });
  }

  async train(steps: number): Promise<Answer<Tasks, 'train'>> {
    const trainer = await createTrainer(this.#options);
    const losses = new Array<number>(steps).fill(Number.NaN);
    try {
      for (let step = 1; step <= steps; step++) {
        losses[step - 1] = (await trainer.step(this.#batch(step), this.#config)).loss;
      }
    } catch (error) {
      // That it diverges where the reference does not is a result.
      if (!(error instanceof BnError && error.code === 'not-finite')) throw error;
    } finally {
      await trainer.dispose();
    }
    return losses;
  }

  /** The batches that a training with this seed has, but for a smaller last one of an epoch. */
  #batch(step: number): Batch {
    const { length } = this.#dataset;
    const size = Math.min(this.#config.batchSize, length);
    const perEpoch = Math.floor(length / size);
    const order = epochOrder(length, this.#config.seed, Math.floor((step - 1) / perEpoch));
    const start = ((step - 1) % perEpoch) * size;
    return assembleBatch(this.#dataset, order.subarray(start, start + size));
  }
}

/** Parameters, states and slots after a step, rounded to float32 as the state of the next. */
function valuesAfter(observations: readonly Observation[]): [string, HostTensor][] {
  return observations
    .filter(({ kind }) => kind === 'state' || kind === 'parameter' || kind === 'slot')
    .map(({ name, shape, data }) => [name, { shape, data: Float32Array.from(data) }]);
}
