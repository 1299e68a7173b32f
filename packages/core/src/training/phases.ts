// Which values are trained in which epochs.

import type { Model } from '../model.js';
import type { Variables } from '../scope.js';
import type { TrainerOptions } from './contract.js';

export class Phases {
  /** Paths. */
  readonly parameters: readonly string[];
  /** Paths of parameters and states. */
  readonly variables: readonly string[];
  readonly #model: Model;
  readonly #trainable: TrainerOptions['trainable'];

  /** @param variables the model's */
  constructor({ model, trainable }: TrainerOptions, { parameters, states }: Variables) {
    this.parameters = [...parameters.keys()];
    this.variables = [...this.parameters, ...states.keys()];
    this.#model = model;
    this.#trainable = trainable;
  }

  /** The model as it is trained in an epoch, counted from 0. */
  modelIn(epoch: number): Model {
    const trainable = this.#trainable;
    return trainable ? { ...this.#model, trainable: (path) => trainable(path, epoch) } : this.#model;
  }

  /** Those of the paths that are trained in an epoch; by default of the parameters. */
  trainedIn(epoch: number, paths = this.parameters): readonly string[] {
    const { trainable = () => true } = this.modelIn(epoch);
    return paths.filter(trainable);
  }

  /** Whether other parameters or states are trained in one epoch than in another. */
  differ(one: number, other: number): boolean {
    if (!this.#trainable) return false;
    const [a, b] = [one, other].map((epoch) => this.trainedIn(epoch, this.variables)) as [string[], string[]];
    return a.length !== b.length || a.some((path, i) => path !== b[i]);
  }

  /** The first epoch of each phase, of so many epochs. */
  beginnings(epochs: number): readonly number[] {
    const all = Array.from({ length: epochs }, (_, epoch) => epoch);
    return all.filter((epoch) => epoch === 0 || this.differ(epoch, epoch - 1));
  }
}
