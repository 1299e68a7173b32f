// Writes weights under the names that PyTorch gives them.

import { writeAtomically } from '@bn/command-line';
import { encodeSafetensors, type TorchNaming, toTorch } from '@bn/core';
import { shortPath } from '../run/describe-run.js';
import type { Loaded } from '../run/with-trainer.js';

export interface TorchExport extends Pick<Loaded, 'trainer' | 'fitted'> {
  readonly naming: TorchNaming;
  /** The file to write. Absolute. */
  readonly path: string;
  readonly workingFolder: string;
}

/** @returns what to tell of it, a line */
export async function exportTorch({ trainer, fitted, naming, path, workingFolder }: TorchExport): Promise<string> {
  const tensors = toTorch(fitted.model, await trainer.values(), naming);
  // `format: pt` is what PyTorch's own libraries look for.
  await writeAtomically(path, encodeSafetensors(tensors, { format: 'pt' }));
  return `exported ${tensors.size} tensors for PyTorch to ${shortPath(path, workingFolder)}`;
}
