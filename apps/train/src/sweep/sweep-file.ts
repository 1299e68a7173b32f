// What a sweep's file says, checked against the knobs of `train` before anything starts.

import { basename } from 'node:path';
import { type Io, isOfKind, type Kind, oneOf, text, UsageError, wholeNumber } from '@bn/command-line';
import type { Metrics } from '@bn/core';
import { type KnobName, knobs } from '../config/knobs.js';
import { checkedValues, readJsonObject, requireKnob, valuesFromEnvironment } from '../config/read-values.js';
import { dataOptions, type RunConfig, readSettings, requireShares } from '../config/settings.js';
import { objectiveOf } from '../run/learning-rule.js';
import { figureOf, lessIsBetter } from '../run-record.js';
import { type Combination, drawFrom, gridOf, readParameter, type SearchSpace } from './search-space.js';

export interface Trial {
  /** `0001` and so on: the name of its run's folder. */
  readonly id: string;
  /** What it has of its own. */
  readonly parameters: Combination;
  /** All that decides its result. */
  readonly config: RunConfig;
}

export interface Sweep {
  readonly trials: readonly Trial[];
  readonly metric: Metric;
  /** Epochs after which trials are compared, below those that a whole trial has; empty where all are trained to the end. */
  readonly rungs: readonly number[];
  /** Of the trials that come to a rung, one of so many goes on. */
  readonly reduction: number;
}

/** The figures of an epoch, as a line of metrics.jsonl has them. */
export type Figures = Metrics & { readonly test: Metrics; readonly validation?: Metrics };

export interface Metric {
  /** Such as `validation.loss`. */
  readonly name: string;
  readonly goal: 'minimize' | 'maximize';
  /** Its value, null where there is no number. */
  of(figures: Figures): number | null;
}

const parts = ['train', 'validation', 'test'] as const;
/** The knobs that a sweep has for itself. */
const own: readonly KnobName[] = ['out', 'export', 'tensorboard', 'dashboard', 'json'];
const most = 10_000;

const object = (example: string) => ({ expects: `an object such as ${example}` });
/** Keys of the file; those without a schema are read by functions below. */
const keys = {
  settings: object('{"epochs": 9}'),
  parameters: object('{"learningRate": {"logUniform": [0.01, 1]}}'),
  method: oneOf('grid', 'random'),
  trials: wholeNumber(1, most),
  seed: knobs.seed,
  seeds: { expects: 'a list of different seeds such as [0, 1, 2]' },
  metric: text('<metric>'),
  goal: oneOf('minimize', 'maximize'),
  asha: object('{"min": 1, "reduction": 3}'),
} as const satisfies Record<string, Pick<Kind<unknown>, 'expects'> & Partial<Kind<unknown>>>;
const halving = { min: wholeNumber(1), reduction: wholeNumber(2) } as const;

/**
 * @param file absolute
 * @throws UsageError for what a sweep cannot be made of: each trial's settings are checked as those of a training
 */
export async function readSweep(file: string, io: Pick<Io, 'cwd' | 'env'>): Promise<Sweep> {
  const name = basename(file);
  const given = requireKeys(name, await readJsonObject(file, '{"parameters": {"learningRate": [0.1, 1]}}'), keys);
  const {
    settings = {},
    parameters,
    method = 'grid',
    trials: count,
    seed = 0,
    seeds,
    asha,
  } = given as {
    settings?: object;
    parameters?: object;
    method?: string;
    trials?: number;
    seed?: number;
    seeds?: readonly number[];
    asha?: object;
  };
  const fixed = checkedValues(`${name}: "settings"`, settings);
  const space = readSpace(`${name}: "parameters"`, parameters ?? {}, fixed);
  if (space.size === 0 && !seeds) throw new UsageError(`${name}: nothing varies; give "parameters", or "seeds"`);
  for (const knob of own) {
    if (knob in fixed || space.has(knob)) throw new UsageError(`${name}: "${knob}" is the sweep's own; leave it out`);
  }
  if (seeds && (space.has('seed') || 'seed' in fixed)) {
    throw new UsageError(`${name}: "seed" is in "seeds" too; leave one of them out`);
  }
  if (method === 'random' && count === undefined) {
    throw new UsageError(`${name}: "trials" is missing: how many combinations "random" draws; add it`);
  }
  if (method === 'grid' && (count !== undefined || given.seed !== undefined)) {
    throw new UsageError(`${name}: "trials" and "seed" are for "method": "random"; leave them out`);
  }
  const combinations = inFile(name, () => (method === 'grid' ? gridOf(space) : drawFrom(space, count!, seed)));
  const seeded = combinations.flatMap((one) => seeds?.map((seed): Combination => ({ ...one, seed })) ?? [one]);
  if (seeded.length > most) throw new UsageError(`${name}: it has ${seeded.length} trials; ${most} is the most`);

  const trials: Trial[] = [];
  const fromEnvironment = valuesFromEnvironment(io.env);
  for (const [i, combination] of seeded.entries()) {
    const id = String(i + 1).padStart(4, '0');
    const where = `${name}: trial ${id} (${parametersText(combination)})`;
    const values = { ...fixed, ...fromEnvironment, ...combination };
    const read = async () => {
      const settings = await readSettings(values, io);
      requireShares(settings.config);
      return settings;
    };
    const { config } = await read().catch((cause: Error) => {
      throw cause instanceof UsageError ? new UsageError(`${where}: ${cause.message}`, { cause }) : cause;
    });
    trials.push({ id, parameters: combination, config });
  }
  const metric = readMetric(name, given as { metric?: string; goal?: Metric['goal'] }, trials);
  return { trials, metric, ...readRungs(name, asha, trials) };
}

/** `learningRate 0.1, momentum 0.9`, for people. */
export function parametersText(parameters: Combination): string {
  const entries = Object.entries(parameters);
  return entries
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

/** Checks keys, and those values that have a schema. */
function requireKeys(
  where: string,
  given: object,
  table: Readonly<Record<string, { expects: string } & Partial<Kind<unknown>>>>,
) {
  for (const [key, value] of Object.entries(given)) {
    const kind = Object.hasOwn(table, key) ? table[key]! : null;
    if (!kind) throw new UsageError(`${where}: unknown key "${key}"; the keys are ${Object.keys(table).join(', ')}`);
    const { schema } = kind;
    const isFine = schema
      ? isOfKind({ schema }, value)
      : key === 'seeds'
        ? isSeeds(value)
        : typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isFine) throw new UsageError(`${where}: "${key}": expected ${kind.expects}, got ${JSON.stringify(value)}`);
  }
  return given as Readonly<Record<string, unknown>>;
}

function isSeeds(value: unknown): boolean {
  const isList = Array.isArray(value) && value.length > 0 && new Set(value).size === value.length;
  return isList && value.every((seed) => isOfKind<unknown>(knobs.seed, seed));
}

function readSpace(where: string, parameters: object, fixed: object): SearchSpace {
  const space = new Map<KnobName, ReturnType<typeof readParameter>>();
  for (const [name, parameter] of Object.entries(parameters)) {
    requireKnob(where, name);
    if (name in fixed) throw new UsageError(`${where}: "${name}" is in "settings" too; leave one of them out`);
    space.set(name, readParameter(where, name, parameter));
  }
  return space;
}

function readMetric(
  file: string,
  { metric: name = 'validation.loss', goal }: { metric?: string; goal?: Metric['goal'] },
  trials: readonly Trial[],
): Metric {
  const [part = '', figure = ''] = name.split('.');
  for (const { id, config } of trials) {
    // Of how many classes is known when the data is read: the measure of many is among them.
    const figures = ['loss', ...Object.keys(objectiveOf(config, 11).metrics)];
    if (!parts.some((known) => part === known) || !figures.includes(figure)) {
      throw new UsageError(
        `${file}: "metric": expected one of ${parts.join(', ')}, a dot, and one of ${figures.join(', ')}; got "${name}"`,
      );
    }
    if (part === 'validation' && !dataOptions(config).validation) {
      throw new UsageError(
        `${file}: the metric ${name} needs validation data, which trial ${id} has not; give "keep": "best" in "settings", or a metric such as "test.${figure}"`,
      );
    }
  }
  const partOf = ({ test, validation, ...train }: Figures) => ({ train, validation, test })[part as 'train'];
  return {
    name,
    goal: goal ?? (lessIsBetter.includes(figure) ? 'minimize' : 'maximize'),
    of(figures) {
      const metrics = partOf(figures);
      const value = metrics && figureOf(figure, metrics);
      return typeof value === 'number' && Number.isFinite(value) ? value : null;
    },
  };
}

function readRungs(
  file: string,
  asha: object | undefined,
  trials: readonly Trial[],
): Pick<Sweep, 'rungs' | 'reduction'> {
  if (!asha) return { rungs: [], reduction: 1 };
  const { min = 1, reduction = 3 } = requireKeys(`${file}: "asha"`, asha, halving) as {
    min?: number;
    reduction?: number;
  };
  const [epochs = 0, ...others] = new Set(trials.map(({ config }) => config.epochs));
  if (others.length > 0) {
    throw new UsageError(
      `${file}: trials of different "epochs" cannot be compared on the way; fix "epochs", or leave "asha" out`,
    );
  }
  if (min >= epochs) {
    throw new UsageError(
      `${file}: "asha": "min" is ${min}, and trials have ${epochs} epochs; give less than that, or leave "asha" out`,
    );
  }
  const rungs: number[] = [];
  for (let rung = min; rung < epochs; rung *= reduction) rungs.push(rung);
  return { rungs, reduction };
}

function inFile<T>(file: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    throw cause instanceof UsageError ? new UsageError(`${file}: ${cause.message}`, { cause }) : cause;
  }
}
