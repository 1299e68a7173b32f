// Everything a trainer needs to go on as if it had never stopped.

import { BnError } from '../errors.js';
import { decodeSafetensors, encodeSafetensors } from '../safetensors.js';
import type { HostTensor } from '../spec.js';

/** Where in the training a trainer is, and what it has counted in the epoch so far. */
export interface Position {
  readonly seed: number;
  /** Whole epochs that are done. */
  readonly epoch: number;
  /** Steps of the next epoch that are done. */
  readonly step: number;
  /** Steps in all. */
  readonly steps: number;
  /** Sums over the epoch's examples so far: `loss`, and each metric by name. */
  readonly sums: Readonly<Record<string, number>>;
  readonly examples: number;
  readonly seconds: number;
  /** Of these, seconds in which nothing was computed because the data was not there yet; absent in older checkpoints. */
  readonly waited?: number | undefined;
  /** Of each epoch that was validated, the lower the better. Absent before the first. */
  readonly scores?: readonly number[] | undefined;
  /** Where the optimizer began: 0 and 0 if left out, later where other parameters are trained than before. */
  readonly phase?: { readonly epoch: number; readonly steps: number } | undefined;
}

export interface Checkpoint {
  /** Parameters, states (`bn1.runningMean`) and optimizer slots (`optimizer.velocity.conv1.weight`) by path. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly position: Position;
}

/** The bytes of a safetensors file; the position is in its metadata, beside `metadata`. */
export function encodeCheckpoint({ tensors, position }: Checkpoint, metadata: Record<string, string> = {}): Uint8Array {
  return encodeSafetensors(tensors, { ...metadata, position: JSON.stringify(position) });
}

/**
 * Reads what `encodeCheckpoint` wrote.
 *
 * @throws `checkpoint` if the bytes are damaged or have no position.
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint & { readonly metadata: Record<string, string> } {
  const { tensors, metadata } = decodeSafetensors(bytes);
  return { tensors, metadata, position: parsePosition(metadata.position) };
}

function parsePosition(text: string | undefined): Position {
  const counts = ['epoch', 'step', 'steps', 'examples'] as const;
  const numbers = ['seed', 'seconds'] as const;
  try {
    const { lossSum, correct, ...rest } = JSON.parse(text ?? '');
    // Checkpoints up to version 0.1.0 have these two in place of `sums`.
    const position: Position = { sums: { loss: lossSum, accuracy: correct }, ...rest };
    const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
    const { sums, scores = [], phase = { epoch: 0, steps: 0 } } = position;
    const isCounted = [...counts.map((field) => position[field]), phase.epoch, phase.steps].every(isCount);
    const all = [...numbers.map((field) => position[field]), ...Object.values(sums), ...scores];
    if (isCounted && all.every(Number.isFinite)) return position;
  } catch {
    // falls through to the one message
  }
  throw new BnError('checkpoint', 'the file has weights but no training position; it is not a checkpoint of a trainer');
}
