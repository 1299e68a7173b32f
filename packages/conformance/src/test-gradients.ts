// Gradient graphs, compared with the reference backend in float64, which is itself compared with finite differences.

import { createGenerator } from '@bn/core';
import { Draw } from './draw.js';
import { expectClose } from './expect-close.js';
import { type GradientCase, gradientCases, gradientGraph } from './gradient-cases.js';
import type { HostValues } from './host-value.js';
import { named } from './run-graph.js';
import type { Suite } from './suite.js';

export function testGradients(suite: Suite): void {
  for (const gradientCase of gradientCases) {
    suite.graphTest(
      gradientCase.name,
      () => gradientGraph(gradientCase),
      async (graph) => {
        const inputs = gradientInputs(gradientCase);
        const [actual, expected] = [await suite.run(graph, inputs), await suite.runOracle(graph, inputs)];
        for (const [name, value] of Object.entries(expected))
          expectClose(actual[name], value, suite.tolerance('composition'));
      },
    );
  }
}

/** The case's inputs and some dy. */
function gradientInputs(gradientCase: GradientCase): HostValues {
  const dy = gradientGraph(gradientCase).inputs.get('dy');
  const random = new Draw(createGenerator(13));
  return { ...named(gradientCase.inputs), ...(dy ? { dy: random.normal(dy.shape as readonly number[]) } : {}) };
}
