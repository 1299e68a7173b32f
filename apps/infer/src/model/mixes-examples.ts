// Models that compute with the whole batch, as batch normalization without running statistics does.

import type { Graph } from '@bn/core';

/** For the user of such a model. */
export const mixingWarning =
  'the model computes with the statistics of the batch, so what it says of an example depends on the others; if that is ' +
  'not meant, export it in evaluation mode, with running statistics';

/** Whether examples of a batch have a part in each other's results. */
export function mixesExamples({ nodes }: Graph): boolean {
  return nodes.some(({ inputs, shape, attributes }) => {
    const isReduced = !shape.includes(null) && inputs.some((x) => x.shape.includes(null));
    return isReduced || ('axis' in attributes && inputs[0]?.shape[attributes.axis] === null);
  });
}
