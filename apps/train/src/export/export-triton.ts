// Writes a model as NVIDIA Triton Inference Server reads it: a folder of its repository.
// https://github.com/triton-inference-server/server, docs/user_guide/model_repository.md

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeAtomically } from '@bn/command-line';
import { numbered, type Spec } from '@bn/core';
import { importInference } from '@bn/onnx';
import { exportModel, type ModelExport } from './export-model.js';

/** Triton may compute as many examples together. */
const maxBatch = 64;

/**
 * @param options with the model's folder as `path`
 * @returns what to tell of it, a line
 * @throws BnError as `exportModel` does
 */
export async function exportTriton(options: ModelExport): Promise<string> {
  const { path: folder, signature } = options;
  await makeFolder(join(folder, '1'));
  const path = join(folder, '1', 'model.onnx');
  const said = await exportModel({ ...options, path });
  const { graph, input } = importInference(new Uint8Array(await readFile(path)));
  const { kind, size, names } = signature.output;
  const labels = (names ?? numbered(size)).map((name) => name.replaceAll(/\s+/g, ' '));
  const outputs = [...graph.outputs].map(([name, spec]) => tensor(name, spec, name === kind ? 'labels.txt' : null));
  await writeAtomically(join(folder, 'labels.txt'), `${labels.join('\n')}\n`);
  await writeAtomically(join(folder, 'config.pbtxt'), configuration(tensor(input.name, input.spec), outputs));
  return said;
}

/** The model's name is its folder's. */
function configuration(input: string, outputs: readonly string[]): string {
  const list = (name: string, tensors: readonly string[]) => `${name} [\n${tensors.join(',\n')}\n]\n`;
  const kind = `backend: "onnxruntime"\nmax_batch_size: ${maxBatch}\n`;
  return `${kind}${list('input', [input])}${list('output', outputs)}dynamic_batching { }\n`;
}

/** Without the batch's dimension, which `max_batch_size` implies. */
function tensor(name: string, { dtype, shape }: Spec, labels: string | null = null): string {
  const type = dtype.replace('float', 'fp').toUpperCase();
  const file = labels === null ? '' : `, label_filename: ${JSON.stringify(labels)}`;
  return `  { name: ${JSON.stringify(name)}, data_type: TYPE_${type}, dims: [ ${shape.slice(1).join(', ')} ]${file} }`;
}
