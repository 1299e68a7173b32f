// The combinations of settings that a sweep tries. The file and its seed alone decide them.

import { isOfKind, UsageError } from '@bn/command-line';
import { createGenerator, type Generator } from '@bn/core';
import { type KnobName, knobs } from '../config/knobs.js';
import { checkedKnob } from '../config/read-values.js';

/** Values to choose from, or a range. */
type Parameter = readonly unknown[] | Range;
interface Range {
  readonly from: number;
  readonly to: number;
  /** Uniform in the logarithm. */
  readonly log: boolean;
  /** Whole numbers alone. */
  readonly whole: boolean;
}

/** Values by the name of the knob. */
export type Combination = Readonly<Record<string, unknown>>;
export type SearchSpace = ReadonlyMap<KnobName, Parameter>;

const forms = 'a list of values, {"uniform": [from, to]} or {"logUniform": [from, to]}';

/**
 * @param where what messages call the parameter
 * @throws UsageError for a value that the knob does not take
 */
export function readParameter(where: string, name: KnobName, given: unknown): Parameter {
  if (Array.isArray(given)) {
    if (given.length === 0) throw new UsageError(`${where}: "${name}": the list is empty; give values`);
    // null is "not given", as in a configuration file.
    return given.map((value) =>
      value === null && knobs[name].preset === null ? null : checkedKnob(where, name, value),
    );
  }
  const [[form, bounds] = [], ...more] = Object.entries(typeof given === 'object' && given !== null ? given : {});
  const isRange = more.length === 0 && (form === 'uniform' || form === 'logUniform');
  if (!isRange || !Array.isArray(bounds) || bounds.length !== 2) {
    throw new UsageError(`${where}: "${name}": expected ${forms}, got ${JSON.stringify(given)}`);
  }
  for (const bound of bounds) checkedKnob(where, name, bound);
  const [from, to] = bounds;
  const log = form === 'logUniform';
  if (typeof from !== 'number' || !(from < to) || (log && from <= 0)) {
    const expected = log ? 'two numbers above 0, the smaller one first' : 'two numbers, the smaller one first';
    throw new UsageError(`${where}: "${name}": "${form}": expected ${expected}, got ${JSON.stringify(bounds)}`);
  }
  return { from, to, log, whole: !isOfKind<unknown>(knobs[name], Math.floor(from) + 0.5) && Number.isInteger(from) };
}

/** Every combination of the values; the last parameter changes first. */
export function gridOf(space: SearchSpace): Combination[] {
  let combinations: Combination[] = [{}];
  for (const [name, parameter] of space) {
    if (!isList(parameter)) {
      throw new UsageError(
        `"${name}" is a range, of which a grid would have no end; give a list of values, or "method": "random"`,
      );
    }
    combinations = combinations.flatMap((one) => parameter.map((value) => ({ ...one, [name]: value })));
  }
  return combinations;
}

/** How often a combination that was there already is drawn anew. */
const mostDraws = 1000;

/** Different combinations, drawn independently: those of a smaller `count` are the first of a larger one. */
export function drawFrom(space: SearchSpace, count: number, seed: number): Combination[] {
  const drawn = new Map<string, Combination>();
  for (let i = 0; i < count; i++) {
    const random = createGenerator(seed, i);
    for (let draws = 0; drawn.size === i; draws++) {
      const combination = Object.fromEntries([...space].map(([name, parameter]) => [name, draw(parameter, random)]));
      const key = JSON.stringify(combination);
      if (!drawn.has(key)) drawn.set(key, combination);
      else if (draws === mostDraws) {
        throw new UsageError(
          `there are hardly more than ${i} different combinations; lower "trials", or use "method": "grid"`,
        );
      }
    }
  }
  return [...drawn.values()];
}

function draw(parameter: Parameter, random: Generator): unknown {
  if (isList(parameter)) return parameter[random.integer(parameter.length)];
  const { from, to, log, whole } = parameter;
  const u = random.uniform();
  const end = whole ? to + 1 : to;
  const x = log ? from * (end / from) ** u : from + (end - from) * u;
  // Four digits are enough, and the same on all machines.
  const value = whole ? Math.floor(x) : Number(x.toPrecision(4));
  return Math.min(to, Math.max(from, value));
}

function isList(parameter: Parameter): parameter is readonly unknown[] {
  return Array.isArray(parameter);
}
