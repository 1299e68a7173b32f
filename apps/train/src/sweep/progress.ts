// How far each trial of a sweep is, for people and programs.

import type { Metric, Sweep, Trial } from './sweep-file.js';
import type { Entry } from './sweep-folder.js';

/** `stopped`: it was not among the best of a rung. */
export type State = 'waiting' | 'running' | 'stopped' | 'finished' | 'diverged' | 'failed';

export interface TrialProgress {
  readonly id: string;
  readonly parameters: Trial['parameters'];
  state: State;
  /** That are done. */
  epochs: number;
  /** Of the epoch whose weights count, at the last rung. */
  figure: number | null;
  /** Why it has diverged or failed. */
  message?: string;
}

export class SweepProgress {
  readonly metric: Metric;
  readonly trials: readonly TrialProgress[];
  readonly #byId: ReadonlyMap<string, TrialProgress>;
  readonly #epochs: ReadonlyMap<string, number>;

  constructor({ trials, metric }: Sweep) {
    this.metric = metric;
    this.trials = trials.map(({ id, parameters }) => ({ id, parameters, state: 'waiting', epochs: 0, figure: null }));
    this.#byId = new Map(this.trials.map((trial) => [trial.id, trial]));
    this.#epochs = new Map(trials.map(({ id, config }) => [id, config.epochs]));
  }

  /** Epochs of a whole trial. */
  epochsOf(id: string): number {
    return this.#epochs.get(id)!;
  }

  trial(id: string): TrialProgress {
    return this.#byId.get(id)!;
  }

  epoch(id: string, epoch: number): void {
    const trial = this.trial(id);
    Object.assign(trial, { state: 'running', epochs: Math.max(trial.epochs, epoch) });
  }

  entry(entry: Entry): void {
    const trial = this.#byId.get(entry.trial);
    if (!trial) return;
    if (entry.type !== 'result') Object.assign(trial, { state: entry.type, message: entry.message });
    else {
      trial.epochs = entry.epochs;
      trial.figure = entry.figure;
      trial.state = entry.epochs === this.epochsOf(entry.trial) ? 'finished' : 'stopped';
    }
  }

  count(...states: readonly State[]): number {
    return this.trials.filter(({ state }) => states.includes(state)).length;
  }

  /** Trials with a figure: whole ones first, and the best first among those that have come as far. */
  get ranked(): TrialProgress[] {
    const sign = this.metric.goal === 'minimize' ? 1 : -1;
    const isWhole = ({ state }: TrialProgress) => (state === 'finished' ? 0 : 1);
    return this.trials
      .filter(({ figure }) => figure !== null)
      .sort((a, b) => isWhole(a) - isWhole(b) || sign * (a.figure! - b.figure!) || (a.id < b.id ? -1 : 1));
  }

  /** The best of those that are trained to the end. */
  get best(): TrialProgress | undefined {
    const [first] = this.ranked;
    return first?.state === 'finished' ? first : undefined;
  }
}
