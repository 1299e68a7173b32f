// Writes a trained model as a WebAssembly module that stands alone, checked against the trainer, with its loader beside it.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { writeAtomically } from '@bn/command-line';
import { importPredictor, readMetadata } from '@bn/onnx';
import { compileAhead } from '@bn/wasm';
import { loadModel } from '@bn/wasm/loader';
import { shortPath } from '../run/describe-run.js';
import { checkModule, drawSample } from './check-export.js';
import { errorText, inputOf, type ModelExport, modelFile, sizeText, testedText } from './export-model.js';

/** Batches whose examples are compared, one by one: few, since a large network takes a second for each. */
const batchSizes = [1, 31];

/**
 * Writes `model.wasm`, and beside it `model.js` and `model.d.ts`, which load it.
 *
 * @returns what to tell of it, a line
 * @throws BnError `unsupported` if the module computes something else than the trainer, `file` if it cannot be written
 */
export async function exportWasm(options: ModelExport): Promise<string> {
  const { path, workingFolder } = options;
  const { module, told } = await compileModule(options);
  const stem = path.replace(/\.wasm$/, '');
  for (const ending of ['js', 'd.ts'] as const) await writeAtomically(`${stem}.${ending}`, await loaderFile(ending));
  await writeAtomically(path, module);
  const [name, loader] = [shortPath(path, workingFolder), basename(`${stem}.js`)];
  return `exported to ${name} (${sizeText(module.length)}) with its loader ${loader}: ${told}`;
}

export interface CompiledModel {
  readonly module: Uint8Array;
  /** What was measured, in words. */
  readonly told: string;
}

/** The module, which computes what the trainer does. */
export async function compileModule(options: ModelExport): Promise<CompiledModel> {
  const { trainer, data, fitted } = options;
  const sample = await drawSample(trainer, data, inputOf(options), batchSizes);
  const { model, metrics } = await modelFile(options);
  const { graph, signature } = importPredictor(model);
  const { signature: _, classNames: __, ...metadata } = readMetadata(model);
  const module = compileAhead(graph, signature, metadata);
  const error = checkModule(await loadModel(module), sample, fitted.objective).toExponential(1);
  return { module, told: `${testedText(metrics)}, ${errorText(error, sample)}` };
}

/** The loader as @bn/wasm has it: it stands alone. */
export function loaderFile(ending: 'js' | 'd.ts'): Promise<Uint8Array> {
  const program = createRequire(import.meta.url).resolve('@bn/wasm/loader');
  return readFile(program.replace(/js$/, ending));
}
