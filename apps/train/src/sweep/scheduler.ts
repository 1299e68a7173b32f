// Which trial is trained to which epoch next: asynchronous successive halving (ASHA; Li et al., 2020, algorithm 2).

import type { Sweep, Trial } from './sweep-file.js';

/** A part of a trial: to be trained up to an epoch. */
export interface Stage {
  readonly trial: Trial;
  /** Index of the rung; the one after the last is the trial's end. */
  readonly rung: number;
  /** Epochs in all. */
  readonly until: number;
  /** 1 is the most urgent: trials that have come far go before new ones. */
  readonly priority: number;
}

interface Place {
  readonly stage: Stage;
  /** Null where there is no number: it has diverged. */
  readonly figure: number | null;
}

/**
 * Results in, stages out. A trial goes on from a rung when it is among the best of those that have come there so far, one of
 * `reduction`: nobody waits for the others. The same results in the same order give the same stages.
 */
export class Scheduler {
  readonly #sweep: Pick<Sweep, 'rungs' | 'reduction' | 'metric'>;
  /** Given out, and without a result; by `keyOf`. */
  readonly #pending = new Map<string, Stage>();
  readonly #places: Place[][];
  readonly #promoted = new Set<string>();

  constructor(sweep: Sweep) {
    this.#sweep = sweep;
    this.#places = [...sweep.rungs, 0].map(() => []);
    for (const trial of sweep.trials) this.#add(trial, 0);
  }

  /** Stages without a result, the most urgent first. */
  get pending(): readonly Stage[] {
    return [...this.#pending.values()].sort((a, b) => a.priority - b.priority);
  }

  /** Results that belong to no stage are nothing. */
  settle(trial: string, until: number, figure: number | null): void {
    const key = keyOf(trial, until);
    const stage = this.#pending.get(key);
    if (!stage) return;
    this.#pending.delete(key);
    const places = this.#places[stage.rung]!;
    places.push({ stage, figure });
    if (stage.rung === this.#sweep.rungs.length) return;
    const best = this.#ranked(places).slice(0, Math.floor(places.length / this.#sweep.reduction));
    for (const place of best) this.#promote(place);
    this.#finishOne();
  }

  /** A stage that came to nothing. */
  drop(trial: string, until: number): void {
    this.#pending.delete(keyOf(trial, until));
    this.#finishOne();
  }

  /** One trial comes to its end, also where they are too few for a share of them to be one. */
  #finishOne(): void {
    if (this.#pending.size > 0 || this.#ranked(this.#places.at(-1)!).length > 0) return;
    const highest = this.#places.findLast((places) =>
      this.#ranked(places).some(({ stage }) => !this.#isPromoted(stage)),
    );
    const best = highest && this.#ranked(highest).find(({ stage }) => !this.#isPromoted(stage));
    if (best) this.#promote(best);
  }

  #promote({ stage }: Place): void {
    if (this.#isPromoted(stage)) return;
    this.#promoted.add(keyOf(stage.trial.id, stage.until));
    this.#add(stage.trial, stage.rung + 1);
  }

  #isPromoted({ trial, until }: Stage): boolean {
    return this.#promoted.has(keyOf(trial.id, until));
  }

  #add(trial: Trial, rung: number): void {
    const { rungs } = this.#sweep;
    const until = rungs[rung] ?? trial.config.epochs;
    this.#pending.set(keyOf(trial.id, until), { trial, rung, until, priority: rungs.length - rung + 1 });
  }

  /** Those with a number, the best first, equal ones in the order of the trials. */
  #ranked(places: readonly Place[]): Place[] {
    const sign = this.#sweep.metric.goal === 'minimize' ? 1 : -1;
    const score = ({ figure }: Place) => sign * figure!;
    const order = (a: Place, b: Place) => score(a) - score(b) || (a.stage.trial.id < b.stage.trial.id ? -1 : 1);
    return places.filter(({ figure }) => figure !== null).sort(order);
  }
}

export function keyOf(trial: string, until: number): string {
  return `${trial}-${until}`;
}
