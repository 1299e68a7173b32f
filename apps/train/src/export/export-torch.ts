// Writes weights under the names that PyTorch gives them.

import { writeAtomically } from '@bn/command-line';
import { encodeSafetensors, type TorchNaming, toTorch } from '@bn/core';
import { shortPath } from '../run/describe-run.js';
import type { ExportTarget } from './export-model.js';

/** @returns what to tell of it, a line */
export async function exportTorch(
  { trainer, fitted, path, workingFolder }: ExportTarget,
  naming: TorchNaming,
): Promise<string> {
  const tensors = toTorch(fitted.model, await trainer.values(), naming);
  // `format: pt` is what PyTorch's own libraries look for.
  await writeAtomically(path, encodeSafetensors(tensors, { format: 'pt' }));
  return `exported ${tensors.size} tensors for PyTorch to ${shortPath(path, workingFolder)}`;
}
