// A model file to predict with: as a graph of one output, or ready to answer on a backend.

import {
  type Answer,
  answerFrom,
  type Backend,
  BnError,
  createGraph,
  formatSpec,
  type Graph,
  type ImageInputSignature,
  imageFeatures,
  pixelsOf,
  type RgbaImage,
  type Signature,
  sizeOf,
  type TypedArray,
} from '@bn/core';
import { importInference } from './import/import-inference.js';
import { answerOf, type SignatureOptions, type Signed, signatureOf } from './import/signature.js';

/** A model file as a graph that gives what people ask for. */
export interface ImportedPredictor extends Signed {
  /** Of one input and one output, as the signature names them: `[batch, size]` probabilities, scores or values. */
  readonly graph: Graph;
}

/**
 * Reads an ONNX model as a graph of one output: of logits, the probabilities. It is what `compileAhead` of @bn/wasm takes.
 *
 * @throws BnError as `importInference` and `signatureOf` do
 */
export function importPredictor(bytes: Uint8Array, options: SignatureOptions = {}): ImportedPredictor {
  const model = importInference(bytes);
  const { signature, assumptions } = signatureOf(model, options);
  const { output } = signature;
  const graph = createGraph({ [output.name]: answerOf(model.graph.outputs.get(output.name)!, output) });
  const kind = output.kind === 'logits' ? 'probabilities' : output.kind;
  return { graph, signature: { ...signature, output: { ...output, kind } }, assumptions };
}

/** A model that answers. */
export interface Predictor extends Signed {
  /** Probabilities, scores or values `[batch, size]` for features `[batch, ...signature.input.shape]`, row-major. */
  predict(features: TypedArray): Promise<Float32Array>;
  /**
   * The answer for one image: in memory, of any size, as `ImageData` of a canvas; or its pixels as `decodeImage` of
   * @bn/datasets gives them, uint8 `[channels, height, width]` of the model's size.
   *
   * @param options `invert`, of images in memory: light becomes dark, for a model that knows light things on black
   * @throws BnError `unsupported` if the model does not take images
   */
  classify(image: RgbaImage | Uint8Array, options?: { readonly invert?: boolean | undefined }): Promise<Answer>;
  /** The backend stays. */
  dispose(): Promise<void>;
}

/**
 * Reads an ONNX model and compiles it for a backend.
 *
 * @throws BnError as `importPredictor` and the backend do
 */
export async function openPredictor(
  bytes: Uint8Array,
  backend: Pick<Backend, 'compile' | 'upload' | 'download' | 'release'>,
  options: SignatureOptions = {},
): Promise<Predictor> {
  return compiled(importPredictor(bytes, options), backend);
}

async function compiled(
  { graph, signature, assumptions }: ImportedPredictor,
  backend: Pick<Backend, 'compile' | 'upload' | 'download' | 'release'>,
): Promise<Predictor> {
  // Who called has returned then: the bytes are free before the backend takes memory for the weights.
  await Promise.resolve();
  const executable = await backend.compile(graph);
  const predict = async (features: TypedArray): Promise<Float32Array> => {
    const { name, dtype, shape } = signature.input;
    const value = backend.upload(features, { dtype, shape: [features.length / sizeOf(shape), ...shape] });
    try {
      const result = (await executable.run(new Map([[name, value]]))).get(signature.output.name)!;
      const answer = await backend.download(result);
      backend.release(result);
      return answer as Float32Array;
    } finally {
      backend.release(value);
    }
  };
  return {
    ...{ signature, assumptions, predict },
    async classify(given, { invert } = {}) {
      const input = imageInputOf(signature);
      const pixels = given instanceof Uint8Array ? given : pixelsOf(given, { ...input.image, invert });
      return answerFrom(await predict(imageFeatures(input, pixels)), signature.output);
    },
    dispose: () => executable.dispose(),
  };
}

function imageInputOf({ input }: Signature): ImageInputSignature {
  const { image, dtype, shape } = input;
  if (image) return { ...input, image };
  const taken = formatSpec({ dtype, shape: [null, ...shape] });
  throw new BnError('unsupported', `the model takes ${taken}, which is not a grey or RGB image; use predict`);
}
