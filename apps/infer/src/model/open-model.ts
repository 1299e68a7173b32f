// An exported model, ready to predict on a backend.

import { parse } from 'node:path';
import { type ComputeOptions, openBackend, readModelFile } from '@bn/command-line';
import {
  type Backend,
  BnError,
  createGraph,
  type Executable,
  ops,
  type Spec,
  type Tensor,
  type TypedArray,
} from '@bn/core';
import { type ImportedInference, importInference } from '@bn/onnx';
import { mixesExamples } from './mixes-examples.js';

export interface OpenModelOptions extends ComputeOptions {
  /** By name or path, or `auto`, as `openBackend` finds it. */
  readonly backend: string;
  readonly workingFolder: string;
}

/** Data of one output: row-major, with shape and element type. */
export interface OutputValue {
  readonly data: TypedArray;
  readonly spec: Spec;
}

export interface InferenceModel {
  /** The file's name without `.onnx`. */
  readonly name: string;
  readonly backend: Backend;
  /** Why not a better device or backend, where the choice was not the user's. */
  readonly reason?: string;
  /** The model's input; the batch dimension is null. */
  readonly input: { readonly name: string; readonly spec: Spec };
  /** The model's outputs by name; the batch dimension is null. */
  readonly outputs: ReadonlyMap<string, Spec>;
  /** In the order of the class indices; numbers, where the file has no names. */
  readonly classNames: readonly string[];
  /** The file's texts. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly mixesExamples: boolean;
  /** All outputs for a batch of features, row-major; the batch size is what their number makes it. */
  run(features: TypedArray): Promise<Map<string, OutputValue>>;
  /** The probability of each class, `[batch, classes]`. */
  classify(features: TypedArray): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** The output that `classify` asks for: the file's own of that name, or the softmax of its logits. */
const probabilities = 'probabilities';

/**
 * Reads an ONNX file and compiles it for the backend.
 *
 * @throws BnError `file` if it cannot be read, `data` or `unsupported` if it is no model that can be imported or it
 * classifies nothing, `backend` if the backend or device is not to be had; UsageError when there is no such backend
 */
export async function openModel(path: string, options: OpenModelOptions): Promise<InferenceModel> {
  const imported = importModel(path, await readModelFile(path));
  if (!probabilitiesOf(imported)) throw noClassifier(path);
  return compile(path, imported, options);
}

/**
 * As `openModel`, from the bytes of an ONNX file, which need not classify: then there are no class names, and `classify`
 * throws `unsupported`.
 *
 * @param path what messages call the file, and the model's name comes from
 */
export async function compileModel(
  path: string,
  bytes: Uint8Array,
  options: OpenModelOptions,
): Promise<InferenceModel> {
  return compile(path, importModel(path, bytes), options);
}

async function compile(path: string, imported: ImportedInference, options: OpenModelOptions): Promise<InferenceModel> {
  const { backend: name, workingFolder, ...backendOptions } = options;
  const { graph, input, metadata } = imported;
  const { backend, reason } = await openBackend(name, workingFolder, backendOptions);
  try {
    const all = await backend.compile(graph);
    const scores = probabilitiesOf(imported);
    const classifier = scores && (await backend.compile(createGraph({ [probabilities]: scores })));
    const run = async (executable: Executable, features: TypedArray) => {
      const size = input.spec.shape.slice(1).reduce<number>((product, n) => product * n!, 1);
      const shape = [features.length / size, ...input.spec.shape.slice(1)];
      const value = backend.upload(features, { dtype: input.spec.dtype, shape });
      try {
        const outputs = await executable.run(new Map([[input.name, value]]));
        const downloads = [...outputs].map(async ([output, value]) => {
          const data = await backend.download(value);
          backend.release(value);
          return [output, { data, spec: value.spec }] as const;
        });
        return new Map(await Promise.all(downloads));
      } finally {
        backend.release(value);
      }
    };
    return {
      ...{ name: parse(path).name, backend, ...(reason !== undefined && { reason }), input, metadata },
      outputs: graph.outputs,
      mixesExamples: mixesExamples(graph),
      classNames: classNamesOf(metadata, scores?.shape[1] ?? 0),
      run: (features) => run(all, features),
      async classify(features) {
        if (!classifier) throw noClassifier(path);
        return (await run(classifier, features)).get(probabilities)!.data as Float32Array;
      },
      dispose: () => backend.dispose(),
    };
  } catch (error) {
    await backend.dispose();
    throw error;
  }
}

function importModel(path: string, bytes: Uint8Array): ImportedInference {
  try {
    return importInference(bytes);
  } catch (cause) {
    throw cause instanceof BnError ? new BnError(cause.code, `${path}: ${cause.message}`, { cause }) : cause;
  }
}

/** null if the model classifies nothing. */
function probabilitiesOf({ graph: { outputs } }: ImportedInference): Tensor | null {
  const own = outputs.get(probabilities);
  const scores = own ?? outputs.get('logits') ?? [...outputs.values()].find(isScores);
  if (!scores || !isScores(scores)) return null;
  // A model that ends in a softmax gives probabilities, whatever it calls them.
  return own || scores.op === 'softmax' ? scores : ops.softmax(scores, 1);
}

function noClassifier(path: string): BnError {
  return new BnError(
    'unsupported',
    `${path}: the model has no output [batch, classes] of float32 with two classes or more: it classifies nothing`,
  );
}

function isScores({ shape, dtype }: Tensor): boolean {
  // One score says nothing of classes: a softmax would make it 1, whatever it is.
  return dtype === 'float32' && shape.length === 2 && shape[1] !== null && shape[1]! > 1;
}

/** What `train export` writes into the metadata, if it fits. */
function classNamesOf({ classNames = '' }: Readonly<Record<string, string>>, classes: number): string[] {
  const numbers = Array.from({ length: classes }, (_, i) => String(i));
  try {
    const names: unknown = JSON.parse(classNames);
    const fits = Array.isArray(names) && names.length === classes && names.every((name) => typeof name === 'string');
    return fits ? names : numbers;
  } catch {
    return numbers;
  }
}
