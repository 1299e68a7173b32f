// Averages of running statistics over a whole data set, under the present weights.

import type { Dataset } from '../dataset.js';
import { BnError } from '../errors.js';
import type { Model } from '../model.js';
import { createGenerator, permutation } from '../random.js';
import { formatSpec, type HostTensor, sizeOf, staticShape } from '../spec.js';
import { assembleBatch, batchRanges, batchSpec } from './batches.js';
import type { HostInput, RunContext, Runner } from './runner.js';
import { recalibrationGraph } from './step-graph.js';
import { streams } from './streams.js';

/**
 * For each state that averages over batches, the average of its batches' statistics, weighed by their sizes.
 *
 * @throws `not-finite` naming a state whose update is no moving average
 */
export async function averageStatistics(
  { model, dataset, batchSize }: { readonly model: Model; readonly dataset: Dataset; readonly batchSize: number },
  runner: Runner,
  context: RunContext,
): Promise<Map<string, HostTensor>> {
  // Shuffled: each batch of a sorted data set would see one class.
  const order = permutation(dataset.length, createGenerator(context.random[0], streams.recalibrate));
  const sums = new Map<string, Float64Array>();
  let examples = 0;
  for (const [start, end] of batchRanges(dataset.length, batchSize)) {
    const size = end - start;
    if (size === 1) continue; // has no variance
    const spec = batchSpec(dataset, size).features;
    const compiled = runner.compile(`recalibrate ${formatSpec(spec)}`, () => recalibrationGraph(model, spec));
    const { features } = assembleBatch(dataset, order.subarray(start, end));
    const zeros = [...compiled.graph.outputs].map(
      ([path, { shape, dtype }]): HostInput => [path, new Float32Array(sizeOf(shape)), { shape, dtype }],
    );
    if (zeros.length === 0) break; // nothing averages
    const outputs = await runner.run(compiled, [['features', features, spec], ...zeros], context);
    for (const path of [...outputs.keys()]) {
      const statistic = await runner.take(outputs, path);
      const sum = sums.get(path) ?? new Float64Array(statistic.length);
      sums.set(path, sum);
      for (let i = 0; i < sum.length; i++) sum[i]! += statistic[i]! * size;
    }
    examples += size;
  }
  return new Map([...sums].map(([path, sum]) => [path, average(path, sum, examples, runner)]));
}

function average(path: string, sum: Float64Array, examples: number, runner: Runner): HostTensor {
  const data = Float32Array.from(sum, (v) => v / examples);
  if (!data.every(Number.isFinite)) {
    throw new BnError(
      'not-finite',
      `recalibration: '${path}' has no finite average; its update must be a moving average`,
    );
  }
  return { shape: staticShape(runner.specOf(path)!.shape), data };
}
