// Statistics of a whole data set in place of running ones, under the present weights.

import type { Dataset } from '../dataset.js';
import { BnError } from '../errors.js';
import { type Model, traceOn } from '../model.js';
import { createGenerator, permutation, streams } from '../random.js';
import { formatSpec, type HostTensor, sizeOf, staticShape } from '../spec.js';
import { batchesAhead } from './batch-supply.js';
import { batchRanges, batchSpec } from './batches.js';
import type { HostInput, RunContext, Runner } from './runner.js';
import { recalibrationGraph } from './step-graph.js';
import { batchOf } from './step-runner.js';

/**
 * For each state that averages over batches, the average of its batches' statistics, weighed by their sizes. A variance
 * also counts what the batches' means differ by, so that it is that of the whole data set, whatever the batch size.
 * (Layers after others see these normalize by the batch, as in training.)
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
  const ranges = recalibrationRanges(dataset.length, batchSize);
  const { features: first } = batchSpec(dataset, ranges[0]![1]);
  const { variances, updates } = traceOn(model, first, { training: true });
  if (updates.size === 0) return new Map();
  /** Values that the divisor of an unbiased variance counts, of so many examples. */
  const valuesOf = (path: string, examples: number) => {
    const { unbiasedOf } = variances.get(path) ?? {};
    return unbiasedOf === undefined ? Infinity : (unbiasedOf / ranges[0]![1]) * examples;
  };
  const averages = new Map<string, Float64Array>();
  let examples = 0;
  const orders = ranges.map((range) => order.subarray(...range));
  let step = 0;
  for await (const { features } of batchesAhead(dataset, context.random[0], orders)) {
    const size = orders[step++]!.length;
    const spec = batchSpec(dataset, size).features;
    const compiled = runner.compile(`recalibrate ${formatSpec(spec)}`, () => recalibrationGraph(model, spec), {
      batched: batchOf(model, spec),
    });
    const zeros = [...compiled.outputs].map(
      ([path, { shape, dtype }]): HostInput => [path, new Float32Array(sizeOf(shape)), { shape, dtype }],
    );
    if (zeros.length === 0) break; // nothing averages
    const outputs = await runner.run(compiled, [['features', features, spec], ...zeros], context);
    const statistics = new Map<string, Float64Array>();
    for (const path of [...outputs.keys()]) {
      statistics.set(path, scaled(await runner.take(outputs, path), 1 - 1 / valuesOf(path, size)));
    }
    examples += size;
    addBatch(averages, statistics, size / examples, (path) => variances.get(path)?.around);
  }
  const unbiased = [...averages].map(([path, average]) => {
    const data = Float32Array.from(scaled(average, 1 / (1 - 1 / valuesOf(path, examples))));
    if (data.every(Number.isFinite)) return [path, { shape: staticShape(runner.specOf(path)!.shape), data }] as const;
    const problem = `'${path}' has no finite average; its update must be a moving average`;
    throw new BnError('not-finite', `recalibration: ${problem}`);
  });
  return new Map(unbiased);
}

function scaled(data: ArrayLike<number>, factor: number): Float64Array {
  return Float64Array.from(data, (v) => v * factor);
}

/** The batches; a rest of one example goes with the batch before, as many layers have no statistics of one alone. */
function recalibrationRanges(length: number, batchSize: number): [number, number][] {
  const ranges = batchRanges(length, batchSize);
  const [start, end] = ranges.at(-1)!;
  return end - start > 1 || ranges.length === 1 ? ranges : [...ranges.slice(0, -2), [ranges.at(-2)![0], end]];
}

/**
 * Adds a batch, which is `share` of all examples so far, to the averages: with m of the batch and M of those before,
 * M + share·(m − M), and for a variance beside that share·(1 − share)·(m − M)² of its mean (Chan et al., 1979).
 */
function addBatch(
  averages: Map<string, Float64Array>,
  statistics: ReadonlyMap<string, Float64Array>,
  share: number,
  meanOf: (path: string) => string | undefined,
): void {
  const added = [...statistics].map(([path, statistic]) => {
    const before = averages.get(path) ?? statistic;
    const mean = meanOf(path) ?? '';
    const [means, meansBefore] = [statistics.get(mean), averages.get(mean)];
    const apart = (i: number) => (means && meansBefore ? means[i]! - meansBefore[i]! : 0);
    return [path, before.map((v, i) => v + share * (statistic[i]! - v + (1 - share) * apart(i) ** 2))] as const;
  });
  for (const [path, average] of added) averages.set(path, average);
}
