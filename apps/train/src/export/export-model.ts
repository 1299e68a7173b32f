// Writes a trained model as an ONNX file, checked against the trainer it comes from.

import { readFile } from 'node:fs/promises';
import { UsageError, writeAtomically } from '@bn/command-line';
import { type Metrics, numbered } from '@bn/core';
import { addMetadata, exportInference } from '@bn/onnx';
import { shortName } from '../display/format.js';
import { shortPath } from '../run/describe-run.js';
import type { Loaded } from '../run/with-trainer.js';
import { checkExport, drawSample, requireRuntime, type Sample } from './check-export.js';

/** What is exported, and where to. */
export interface ExportTarget extends Loaded {
  /** The file to write. Absolute. */
  readonly path: string;
  readonly workingFolder: string;
  /** What the exported model takes; by default what the data set holds. */
  readonly input?: 'uint8' | 'float32' | undefined;
}

export interface ModelExport extends ExportTarget {
  /** Scales and shifts of batch normalization go into the weights. */
  readonly fold?: boolean;
  /** Of the weights, for the metadata. */
  readonly licence?: string | undefined;
}

/**
 * Writes the file, and only if ONNX Runtime computes from it what the trainer does.
 *
 * @returns what to tell of it, a line
 * @throws BnError `unsupported` if it computes something else, `file` if it cannot be written
 */
export async function exportModel(options: ModelExport): Promise<string> {
  const { trainer, data, fitted, path, workingFolder } = options;
  requireRuntime(workingFolder);
  const sample = await drawSample(trainer, data, inputOf(options));
  const { model, metrics } = await modelFile(options);
  const error = (await checkExport(model, sample, fitted.objective, workingFolder)).toExponential(1);
  const content = addMetadata(model, { largestError: `${error} on ${sample.examples} test examples` });
  await writeAtomically(path, content, async (temporary) =>
    checkExport(new Uint8Array(await readFile(temporary)), sample, fitted.objective, workingFolder),
  );
  const size = sizeText(content.length);
  return `exported to ${shortPath(path, workingFolder)} (${size}): ${testedText(metrics)}, ${errorText(error, sample)} in ONNX Runtime`;
}

/** The bytes of the ONNX file, and what was measured on the test examples. */
export async function modelFile(
  options: ModelExport,
): Promise<{ readonly model: Uint8Array; readonly metrics: Metrics['metrics'] }> {
  const { trainer, data, fitted, fold = false } = options;
  const input = inputOf(options);
  const { metrics } = await trainer.evaluate(data.test, { batchSize: options.config.batchSize });
  const metadata = describe(options, input, metrics);
  const { model: network, objective } = fitted;
  return { model: exportInference(network, await trainer.values(), { objective, fold, input, metadata }), metrics };
}

export function sizeText(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KB`;
}

export function testedText(metrics: Metrics['metrics']): string {
  return Object.entries(metrics)
    .map(([name, value]) => `test ${shortName(name)} ${value.toFixed(3)}`)
    .join(', ');
}

export function errorText(error: string, { examples }: Sample): string {
  return `largest error ${error} against the trainer on ${examples} test examples`;
}

/** @throws UsageError for a type that the data or the network is not of */
export function inputOf({ input, data, fitted }: ModelExport): 'uint8' | 'float32' {
  const held = data.test.features.dtype === 'uint8' ? 'uint8' : 'float32';
  const wanted = input ?? held;
  if (wanted === 'uint8' && held === 'float32') {
    throw new UsageError('--input uint8: the data is not in pixels from 0 to 255; leave it out');
  }
  if (wanted === 'float32' && fitted.model.input.dtype === 'uint8') {
    throw new UsageError('--input float32: the network itself takes pixels from 0 to 255; leave it out');
  }
  return wanted;
}

/** The file's metadata: texts by key. */
function describe(
  { config, data, signature, licence }: ModelExport,
  dtype: 'uint8' | 'float32',
  metrics: Metrics['metrics'],
) {
  const { input, output } = signature;
  const range = dtype === 'uint8' ? ([0, 255] as const) : ([0, 1] as const);
  const taken = { ...input, dtype, image: input.image && { ...input.image, range } };
  const tested = Object.entries(metrics).map(([name, value]) => [metricKey(name), value.toFixed(4)] as const);
  const weightsLicence = licence ?? (config.data === 'fashion-mnist' ? 'MIT' : null);
  return {
    producer: '@bn/train',
    signature: JSON.stringify({ input: taken, output }),
    classNames: JSON.stringify(output.names ?? numbered(output.size)),
    ...Object.fromEntries(tested),
    data: config.data === 'fashion-mnist' ? 'Fashion-MNIST' : data.description,
    ...(weightsLicence !== null && { license: weightsLicence }),
  };
}

/** `accuracy` → `testAccuracy`. */
function metricKey(name: string): string {
  return `test${name[0]!.toUpperCase()}${name.slice(1)}`;
}
