// Plans as text: that of COMPILER.md, and those of a few networks, in which a loop that loses its lanes, or a fusion that is
// lost, is seen. `npx vitest run packages/wasm/test/plans.test.ts --update` writes them anew: read what has changed.

import { readFileSync } from 'node:fs';
import {
  batchNorm,
  classification,
  conv2d,
  createGraph,
  defineModel,
  type Graph,
  input,
  type Layer,
  ops,
  sequential,
  sgd,
  sigmoid,
  trace,
  trainingStepGraph,
} from '@bn/core';
import { lenet } from '@bn/models';
import { expect, test } from 'vitest';
import { compileFunctions } from '../src/compile.js';
import { registers } from '../src/ir/nest.js';
import { allPasses, passList, printed } from '../src/pipeline.js';
import { printPlans } from '../src/run/print-plans.js';

/** All that can be looked at, by stage. */
function look(graph: Graph): ReadonlyMap<string, string> {
  const stages = new Map<string, string>();
  compileFunctions(graph, 1, {
    ...{ relaxed: true, threads: 1, passes: allPasses, countsRows: false, profile: false },
    reserve: () => 1_048_576,
    look: (stage, text) => stages.set(stage, text()),
  });
  return stages;
}

function stepOf(network: Layer, shape: readonly number[]): Graph {
  const model = defineModel(network, { input: { shape: [null, ...shape.slice(1)], dtype: 'float32' } });
  return trainingStepGraph(model, classification(), sgd(), {
    features: { shape, dtype: 'uint8' },
    labels: { shape: shape.slice(0, 1), dtype: 'int32' },
  });
}

const pointwise = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const;

const document = readFileSync(new URL('../COMPILER.md', import.meta.url), 'utf8');

test('COMPILER.md follows a convolution, its normalization and its activation through every stage', () => {
  const network = sequential([conv2d(2, { kernelSize: 3, bias: false }), batchNorm(), sigmoid()]);
  const model = defineModel(network, { input: { shape: [null, 1, 4, 4], dtype: 'float32' } });
  const { output } = trace(model, input('x', [8, 1, 4, 4]), { training: true });
  const stages = look(createGraph({ y: output }));
  expect([...stages.keys()]).toEqual([...printed]);
  for (const [stage, text] of stages) expect(document).toContain(`\`\`\`text\n== ${stage}\n${text}\`\`\``);
});

test('COMPILER.md lists the passes in their order, with what they are for', () => {
  expect(document).toContain(passList.map(({ name, stage, why }) => `| \`${name}\` | ${stage} | ${why} |\n`).join(''));
});

test('a stage that does not exist is refused with the names of those that do', () => {
  expect(() => printPlans('nests,step')).toThrow(
    "BN_PRINT: no stage 'step'; stages are graph, rewritten, nests, steps, schedules",
  );
});

const block = (groups: number): Layer => {
  const conv = () => conv2d(16, { kernelSize: 3, padding: 1, groups, bias: false });
  const [first, second, one, two] = [conv(), conv(), batchNorm(), batchNorm()];
  return (x, scope) => {
    const y = one(first(x, scope.child('conv1')), scope.child('norm1'));
    const z = two(second(ops.relu(y), scope.child('conv2')), scope.child('norm2'));
    return ops.mean(ops.relu(ops.add(z, x)), [2, 3]);
  };
};

test.each<[name: string, graph: () => Graph]>([
  ['lenet', () => stepOf(lenet({ normalization: () => batchNorm() }), [256, 1, 28, 28])],
  ['residual-block', () => stepOf(block(1), [16, 16, 12, 12])],
  ['depthwise-block', () => stepOf(block(16), [16, 16, 12, 12])],
])('the plan of a training step: %s', async (name, graph) => {
  await expect(look(graph()).get('schedules')).toMatchFileSnapshot(`plans/${name}.txt`);
});

test('sums and operands of a block all have registers: Node 20 loads a block of operands before it multiplies', () => {
  const conv = ops.conv2d(ops.exp(input('x', [16, 64, 8, 8])), input('w', [96, 64, 1, 1]), pointwise);
  const graph = createGraph({ y: conv });
  const [, channels, places, terms] = /conv2d: .*i1<96(?:×(\d+))? i2i3<64(?:×(\d+))? .*k0<64(?:×(\d+))?/
    .exec(look(graph).get('schedules')!)!
    .map((size) => Number(size ?? 1));
  expect(channels * places).toBeGreaterThan(7);
  expect(channels * places + (channels + places) * terms).toBeLessThanOrEqual(registers);
});
