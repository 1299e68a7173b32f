// Weights that a training starts from.

import { readFile } from 'node:fs/promises';
import {
  BnError,
  decodeSafetensors,
  decodeSignature,
  fromTorch,
  type HostTensor,
  type Model,
  type Signature,
} from '@bn/core';

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
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const reasons: Record<string, string> = { ENOENT: 'there is no such file', EISDIR: 'this is a folder' };
    const reason = reasons[cause.code ?? ''] ?? `cannot be read: ${cause.message}`;
    throw new BnError('file', `${file}: ${reason}; give a .safetensors file`, { cause });
  });
  const named = <T>(body: () => T): T => {
    try {
      return body();
    } catch (cause) {
      throw cause instanceof BnError ? new BnError(cause.code, `${file}: ${cause.message}`, { cause }) : cause;
    }
  };
  // PyTorch counts batches in int64.
  const { tensors, metadata } = named(() => decodeSafetensors(bytes, (name) => !name.endsWith('num_batches_tracked')));
  return {
    signature: metadata.signature === undefined ? null : named(() => decodeSignature(metadata.signature!)),
    for: (model) => named(() => fromTorch(model, tensors)),
  };
}
