// Weights that a training starts from.

import { named, readNamed } from '@bn/command-line';
import {
  decodeSafetensors,
  decodeSignature,
  fromTorch,
  type HostTensor,
  headOf,
  type Model,
  type PixelForm,
  type Signature,
} from '@bn/core';
import type { Fingerprint } from '../run/fingerprint.js';

export interface Weights {
  /** Of the run that they are from; null for weights from elsewhere. */
  readonly signature: Signature | null;
  /** What the run's network takes pixels as, where that was said; null also for weights from elsewhere. */
  readonly pixels: PixelForm | null;
  /**
   * The model's parameters and running statistics, without those of its head if that is new; throws BnError `checkpoint` for weights of
   * another model.
   */
  for(model: Model, options: { readonly newHead: boolean }): Map<string, HostTensor>;
}

/**
 * Weights in a .safetensors file: a checkpoint of a run, or of PyTorch.
 *
 * @throws BnError `file` if it cannot be read, `checkpoint` if it is damaged
 */
export async function readWeights(file: string): Promise<Weights> {
  const bytes = await readNamed(file, 'a .safetensors file');
  // PyTorch counts batches in int64.
  const { tensors, metadata } = named(file, () =>
    decodeSafetensors(bytes, (name) => !name.endsWith('num_batches_tracked')),
  );
  const { pixels }: Partial<Fingerprint> = JSON.parse(metadata.fingerprint ?? '{}');
  return {
    pixels: pixels ?? null,
    signature: metadata.signature === undefined ? null : named(file, () => decodeSignature(metadata.signature!)),
    for: (model, { newHead }) =>
      named(file, () => {
        const { weight, bias } = newHead ? headOf(model) : { weight: null, bias: null };
        const head = [weight, bias].filter((path) => path !== null);
        return fromTorch(model, tensors, head);
      }),
  };
}
