// Compares an exported model with the trainer it comes from.

import { findBackend, importBackend, notInstalled, type RunData, UsageError } from '@bn/command-line';
import {
  BnError,
  createArray,
  type Objective,
  type OutputKind,
  type Spec,
  sizeOf,
  type Trainer,
  type TypedArray,
} from '@bn/core';
import type { Model } from '@bn/wasm/loader';

/** Largest difference that rounding explains: relative to numbers above 1. */
const tolerance = 1e-4;

/** Sizes of the batches that are compared in ONNX Runtime: several, so that the batch size is seen to be free. */
const batchSizes: readonly number[] = [1, 255, 256];

const runtime = 'onnxruntime-cuda';

/** Called before work that would be lost. @throws UsageError when ONNX Runtime is not installed */
export function requireRuntime(workingFolder: string): void {
  if (findBackend(runtime, workingFolder)) return;
  throw new UsageError(notInstalled(`@bn/${runtime}`, 'ONNX Runtime checks what is exported'));
}

/** Test examples with the trainer's own predictions. */
export interface Sample {
  readonly batches: readonly { readonly features: TypedArray; readonly spec: Spec; readonly expected: Float32Array }[];
  readonly examples: number;
}

/** The first test examples, as many as the batches hold, or all if there are fewer. */
export async function drawSample(
  trainer: Trainer,
  { test }: RunData,
  input: 'uint8' | 'float32',
  sizes: readonly number[] = batchSizes,
): Promise<Sample> {
  const batches = [];
  let start = 0;
  for (const size of sizes.map((size) => Math.min(size, test.length))) {
    const count = Math.min(size, test.length - start);
    if (count === 0) break;
    const values = createArray(test.features.dtype, count * sizeOf(test.features.shape));
    for (let i = 0; i < count; i++) values.set(test.get(start + i).features, (i * values.length) / count);
    const expected = await trainer.predict(values);
    const isScaled = input === 'float32' && values instanceof Uint8Array;
    const features = isScaled ? Float32Array.from(values, (v) => v * Math.fround(1 / 255)) : values;
    batches.push({ features, spec: { shape: [count, ...test.features.shape], dtype: input }, expected });
    start += count;
  }
  return { batches, examples: start };
}

/**
 * The largest difference between the exported model's raw output (logits, or values) and the trainer's.
 *
 * @throws BnError `unsupported` if it is more than rounding, or if a class differs where the best two are not as good as equal
 */
export async function checkExport(
  model: Uint8Array,
  { batches }: Sample,
  { task, gives: { kind } }: Objective,
  workingFolder: string,
): Promise<number> {
  const { module } = await importBackend(runtime, workingFolder);
  const { openModel } = module as typeof import('@bn/onnxruntime-cuda');
  const open = await openModel(model);
  try {
    let largest = 0;
    for (const { features, spec, expected } of batches) {
      const outputs = await open.run({ features: { data: features, spec } });
      const { data, spec: got } = (outputs.logits ?? outputs[kind])!;
      largest = Math.max(largest, largestError(data, expected));
      if (task === 'classify') requireSameClasses(data, expected, got.shape[1]!);
    }
    return largest;
  } finally {
    await open.dispose();
  }
}

/**
 * The same for a module that stands alone, which gives the answer for one example: of logits, the probabilities.
 *
 * @throws BnError `unsupported` if it is more than rounding
 */
export function checkModule(model: Model, { batches }: Sample, { gives: { kind } }: Objective): number {
  let largest = 0;
  for (const { features, spec, expected } of batches) {
    const count = spec.shape[0]!;
    const [taken, given] = [features.length / count, expected.length / count];
    for (let i = 0; i < count; i++) {
      const answer = model.predict(features.subarray(i * taken, (i + 1) * taken) as Uint8Array | Float32Array);
      largest = Math.max(largest, largestError(answer, answerTo(expected.subarray(i * given, (i + 1) * given), kind)));
    }
  }
  return largest;
}

/** What a network's output says, in float64. */
function answerTo(row: Float32Array, kind: OutputKind): Float32Array {
  if (kind === 'values') return row;
  if (kind === 'scores') return row.map((value) => 1 / (1 + Math.exp(-value)));
  const highest = Math.max(...row);
  const sum = row.reduce((sum, value) => sum + Math.exp(value - highest), 0);
  return row.map((value) => Math.exp(value - highest) / sum);
}

function largestError(got: TypedArray, expected: Float32Array): number {
  let largest = 0;
  for (const [i, value] of expected.entries()) {
    const error = Math.abs(got[i]! - value) / Math.max(1, Math.abs(value));
    // Written so that NaN fails.
    if (!(error <= tolerance)) {
      throw new BnError(
        'unsupported',
        `the exported model computes something else than the trainer: ${got[i]} instead of ${value}, ` +
          `where differences of ${tolerance} are rounding; nothing was written. Try without --fold, or another --backend`,
      );
    }
    largest = Math.max(largest, error);
  }
  return largest;
}

function requireSameClasses(got: TypedArray, expected: TypedArray, classes: number): void {
  for (let row = 0; row < expected.length; row += classes) {
    const [best, second] = bestTwo(expected.subarray(row, row + classes));
    const [other] = bestTwo(got.subarray(row, row + classes));
    const margin = expected[row + best]! - expected[row + second]!;
    if (other === best || margin <= tolerance) continue;
    const problem = `the exported model says class ${other} where the trainer says ${best}, by a margin of ${margin}`;
    throw new BnError('unsupported', `${problem}; nothing was written. Try another --backend`);
  }
}

/** Indices of the largest and the second largest value; the same if there is only one. */
function bestTwo(values: TypedArray): [number, number] {
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]!);
  return [order[0]!, order[1] ?? order[0]!];
}
