// Weights that a training starts from.

import { named, readNamed } from '@bn/command-line';
import { decodeSafetensors, decodeSignature, fromTorch, type HostTensor, type Model, type Signature } from '@bn/core';

export interface Weights {
  /** Of the run that they are from; null for weights from elsewhere. */
  readonly signature: Signature | null;
  /** The model's parameters and running statistics; throws BnError `checkpoint` for weights of another model. */
  for(model: Model): Map<string, HostTensor>;
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
  return {
    signature: metadata.signature === undefined ? null : named(file, () => decodeSignature(metadata.signature!)),
    for: (model) => named(file, () => fromTorch(model, tensors)),
  };
}
