// An exported model, ready to predict on a backend.

import { parse } from 'node:path';
import { type ComputeOptions, named, type OpenedBackend, openBackend, readModelFile } from '@bn/command-line';
import {
  BnError,
  createGraph,
  type Executable,
  type Graph,
  type Signature,
  type Spec,
  type TypedArray,
} from '@bn/core';
import {
  answerOf,
  type ImportedInference,
  importInference,
  type SignatureOptions,
  type Signed,
  signatureOf,
} from '@bn/onnx';

export interface OpenModelOptions extends ComputeOptions, SignatureOptions {
  /** By name or path, or `auto`, as `openBackend` finds it. */
  readonly backend: string;
  readonly workingFolder: string;
}

/** Data of one output: row-major, with shape and element type. */
export interface OutputValue {
  readonly data: TypedArray;
  readonly spec: Spec;
}

export interface InferenceModel extends Pick<OpenedBackend, 'backend' | 'reason'> {
  /** The file's name without `.onnx`. */
  readonly name: string;
  /** The model's input; the batch dimension is null. */
  readonly input: { readonly name: string; readonly spec: Spec };
  /** The model's outputs by name; the batch dimension is null. */
  readonly outputs: ReadonlyMap<string, Spec>;
  /** What it takes and gives; null if that is not clear. */
  readonly signature: Signature | null;
  /** What of that the file does not say; without a signature, why there is none. */
  readonly assumptions: readonly string[];
  /** The file's texts. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly mixesExamples: boolean;
  /** All outputs for a batch of features, row-major; the batch size is what their number makes it. */
  run(features: TypedArray): Promise<Map<string, OutputValue>>;
  /** What the signature says that it gives, `[batch, size]`: of logits, the probabilities. */
  answer(features: TypedArray): Promise<Float32Array>;
  dispose(): Promise<void>;
}

export interface OpenedModel extends InferenceModel {
  readonly signature: Signature;
}

/** A model as its file says, before anything compiles it. */
export interface ReadModel extends Pick<OpenedModel, 'name' | 'signature' | 'assumptions' | 'mixesExamples'> {
  readonly imported: ImportedInference;
}

/**
 * Reads an ONNX file and compiles it for the backend.
 *
 * @throws BnError `file` if it cannot be read, `data` or `unsupported` if it is no model that can be imported or it is not
 * clear what it gives, `argument` for options that contradict it, `backend` if the backend or device is not to be had;
 * UsageError when there is no such backend
 */
export async function openModel(path: string, options: OpenModelOptions): Promise<OpenedModel> {
  return openReadModel(path, readModel(path, await readModelFile(path), options), options);
}

/** What the bytes of an ONNX file say. Throws as `openModel` does. */
export function readModel(path: string, bytes: Uint8Array, options: SignatureOptions): ReadModel {
  const imported = named(path, () => importInference(bytes));
  const signed = named(path, () => signatureOf(imported, options));
  return { name: nameOf(path), ...signed, mixesExamples: mixesExamples(imported.graph), imported };
}

/** Compiles a model that was read. Throws as `openModel` does. */
export async function openReadModel(path: string, read: ReadModel, options: OpenModelOptions): Promise<OpenedModel> {
  const { imported, signature, assumptions } = read;
  return { ...(await compile(path, imported, { signature, assumptions }, options)), signature };
}

/**
 * As `openModel`, from the bytes of an ONNX file, of which it need not be clear what it gives: then there is no signature, and
 * `answer` throws `unsupported`.
 *
 * @param path what messages call the file, and the model's name comes from
 */
export async function compileModel(
  path: string,
  bytes: Uint8Array,
  options: OpenModelOptions,
): Promise<InferenceModel> {
  const imported = named(path, () => importInference(bytes));
  const signed = named(path, () => {
    try {
      return signatureOf(imported, options);
    } catch (error) {
      if (!(error instanceof BnError) || error.code !== 'unsupported' || options.output || options.gives) throw error;
      return { signature: null, assumptions: [error.message] as const };
    }
  });
  return compile(path, imported, signed, options);
}

async function compile(
  path: string,
  imported: ImportedInference,
  { signature, assumptions }: Signed | { readonly signature: null; readonly assumptions: readonly [string] },
  options: OpenModelOptions,
): Promise<InferenceModel> {
  const { backend: name, workingFolder, output: _, gives: __, pixels: ___, ...backendOptions } = options;
  const { graph, input, metadata } = imported;
  const { backend, reason } = await openBackend(name, workingFolder, backendOptions);
  try {
    const all = await backend.compile(graph);
    const answer = signature && answerOf(graph.outputs.get(signature.output.name)!, signature.output);
    const answering = answer && (await backend.compile(createGraph({ answer })));
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
      ...{ name: nameOf(path), backend, ...(reason !== undefined && { reason }), input, metadata },
      ...{ outputs: graph.outputs, mixesExamples: mixesExamples(graph), signature, assumptions },
      run: (features) => run(all, features),
      async answer(features) {
        if (!answering) throw new BnError('unsupported', `${path}: ${assumptions[0]}`);
        return (await run(answering, features)).get('answer')!.data as Float32Array;
      },
      dispose: () => backend.dispose(),
    };
  } catch (error) {
    await backend.dispose();
    throw error;
  }
}

function nameOf(path: string): string {
  return parse(path).name;
}

/** For the user of such a model. */
export const mixingWarning =
  'the model computes with the statistics of the batch, so what it says of an example depends on the others; if that is ' +
  'not meant, export it in evaluation mode, with running statistics';

/** Whether examples of a batch have a part in each other's results, as in batch normalization without running statistics. */
function mixesExamples({ nodes }: Graph): boolean {
  return nodes.some(({ inputs, shape, attributes }) => {
    const isReduced = !shape.includes(null) && inputs.some((x) => x.shape.includes(null));
    return isReduced || ('axis' in attributes && inputs[0]?.shape[attributes.axis] === null);
  });
}
