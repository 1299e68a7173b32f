// Several runs of a graph in one: a loop.

import { joinArrays, type Steps } from '@bn/core';
import type { Elements } from './kernel.js';

export type ElementsByName = ReadonlyMap<string, Elements>;

/** What `run` gives step by step: the last of what is carried, all of the rest stacked. */
export function evaluateSteps(
  run: (inputs: ElementsByName) => ElementsByName,
  { count, carried, stacked }: Steps,
  inputs: ElementsByName,
): ElementsByName {
  const current = new Map(inputs);
  const results: ElementsByName[] = [];
  for (let step = 0; step < count; step++) {
    for (const name of stacked) current.set(name, part(inputs.get(name)!, step));
    const outputs = run(current);
    for (const [output, input] of Object.entries(carried)) current.set(input, outputs.get(output)!);
    results.push(outputs);
  }
  return new Map(
    [...results[0]!.keys()].map((name) => {
      const values = results.map((outputs) => outputs.get(name)!);
      return [name, name in carried ? values.at(-1)! : stack(values)];
    }),
  );
}

function part({ data, shape: [count, ...shape], dtype }: Elements, index: number): Elements {
  const size = data.length / count!;
  return { data: data.subarray(index * size, (index + 1) * size), shape, dtype };
}

function stack(values: readonly Elements[]): Elements {
  const { shape, dtype } = values[0]!;
  return { data: joinArrays(values.map(({ data }) => data)), shape: [values.length, ...shape], dtype };
}
