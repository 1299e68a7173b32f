// The training step in which each share of a batch is a batch of its own: its layers see no example of another share.

import type { Batched, Cut, Reduction } from '../cut/cut-graph.js';
import { BnError } from '../errors.js';
import { createGraph } from '../graph.js';
import { simplify } from '../simplify/simplify.js';
import type { Spec } from '../spec.js';
import { input, type Tensor } from '../tensor.js';
import { type BatchSpec, type Learner, sumName, type Traced, traceGradients, updatesOf } from './step-graph.js';

/**
 * The step as one segment, which computes all before the update on a share, and the update behind it. Gradients are the sums of the
 * shares', each multiplied by its part of the examples, and metrics the sums. The loss and the states are means of the shares',
 * weighted by their examples: a running variance follows what the layers have divided by, whoever keeps it.
 */
export function shareStep(learner: Learner, spec: BatchSpec, batched: Batched): Cut {
  const { examples, rows } = batched;
  const whole = traceGradients(learner, spec);
  const sums = new Set(Object.keys(learner.objective.metrics).map(sumName));
  const reductions: Reduction[] = [];
  const merged = (name: string, kind: Reduction['kind'], { shape, dtype }: Spec): Tensor => {
    const [part, result] = [`${name} of a share`, `${name} of all`];
    reductions.push({ kind, level: 0, parts: [part], results: [result], spec: { shape, dtype }, valuesPerExample: 1 });
    return input(result, shape, dtype);
  };
  const outputs = new Map(
    [...whole.outputs].map(([name, x]) => [name, merged(name, sums.has(name) ? 'sum' : 'mean', x)]),
  );
  const gradientOf = new Map([...whole.gradientOf].map(([path, x]) => [path, merged(gradientName(path), 'sum', x)]));
  const last = new Map([...outputs, ...updatesOf(learner, { traced: whole.traced, outputs, gradientOf })]);
  return {
    batched,
    inputs: createGraph(new Map([...whole.outputs, ...updatesOf(learner, whole)])).inputs,
    levels: 1,
    reductions,
    last: simplify({ outputs: last }),
    keptAfter: () => new Set(),
    segment: (_, size) => {
      const share = { features: sized(spec.features, size), labels: sized(spec.labels, size) };
      const graph = simplify({ outputs: computed(traceShare(learner, share, size, examples)) });
      const given = [...graph.inputs.keys()].filter((name) => rows.has(name));
      return { graph, rows: new Map(given.map((name) => [name, { name, by: 0 }])) };
    },
  };
}

/** All that is computed before the update, by the names of the reductions' parts. */
function computed({ outputs, gradientOf }: Traced): Map<string, Tensor> {
  const named = [...outputs, ...[...gradientOf].map(([path, x]) => [gradientName(path), x] as const)];
  return new Map(named.map(([name, x]) => [`${name} of a share`, x]));
}

function traceShare(learner: Learner, share: BatchSpec, size: number, examples: number): Traced {
  try {
    return traceGradients(learner, share, size / examples);
  } catch (error) {
    if (!(error instanceof BnError)) throw error;
    throw new BnError(error.code, `a share of ${size} of ${examples} examples: ${error.message}`, { cause: error });
  }
}

function gradientName(path: string): string {
  return `gradient of ${path}`;
}

function sized({ shape, dtype }: Spec, size: number): Spec {
  return { shape: shape.with(0, size), dtype };
}
