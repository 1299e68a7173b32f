// Weights that a training starts from.

import { readFile } from 'node:fs/promises';
import { BnError, decodeSafetensors, fromTorch, type HostTensor, type Model } from '@bn/core';

/**
 * The model's parameters and running statistics from a .safetensors file: a checkpoint of a run, or of PyTorch.
 *
 * @throws BnError `file` if it cannot be read, `checkpoint` if it is damaged or belongs to another model
 */
export async function readWeights(file: string, model: Model): Promise<Map<string, HostTensor>> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const reasons: Record<string, string> = { ENOENT: 'there is no such file', EISDIR: 'this is a folder' };
    const reason = reasons[cause.code ?? ''] ?? `cannot be read: ${cause.message}`;
    throw new BnError('file', `${file}: ${reason}; give a .safetensors file`, { cause });
  });
  try {
    // PyTorch counts batches in int64.
    const { tensors } = decodeSafetensors(bytes, (name) => !name.endsWith('num_batches_tracked'));
    return fromTorch(model, tensors);
  } catch (cause) {
    throw cause instanceof BnError ? new BnError(cause.code, `${file}: ${cause.message}`, { cause }) : cause;
  }
}
