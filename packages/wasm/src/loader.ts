// Runs a module that `compileAhead` made: `@bn/wasm/loader`, and the file beside each exported one. It stands alone: bundled
// with the functions of @bn/core that it uses, and with types that refer to no other package.

import { answerFrom, type ImageInputSignature, imageFeatures, pixelsOf } from '@bn/core';
import { type Contents, sectionName } from './ahead/contents.js';

/** How an image becomes the numbers that the model takes. */
export interface ImageSignature {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  readonly order: 'CHW' | 'HWC' | 'HW' | 'flat';
  /** The numbers that black and full light become. */
  readonly range: readonly [black: number, white: number];
  /** For each channel, taken off and divided by after that; none where empty. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** What the model takes and gives. */
export interface Signature {
  readonly input: {
    readonly name: string;
    readonly dtype: 'float32' | 'int32' | 'uint8' | 'bool';
    /** Of one example. */
    readonly shape: readonly number[];
    /** null if the input is not an image. */
    readonly image: ImageSignature | null;
  };
  readonly output: {
    readonly name: string;
    readonly kind: 'logits' | 'probabilities' | 'scores' | 'values';
    readonly size: number;
    /** Of classes, labels or values; null where none are known. */
    readonly names: readonly string[] | null;
  };
}

/** An image in memory, such as `ImageData` of browsers: RGBA, a byte each, row by row. */
export interface RgbaImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Classes by probability, the highest first; or labels by score, `labels` those of ½ or more; or values in order. */
export type Answer =
  | { readonly classes: readonly { readonly class: string; readonly index: number; readonly probability: number }[] }
  | {
      readonly labels: readonly string[];
      readonly scores: readonly { readonly label: string; readonly index: number; readonly score: number }[];
    }
  | { readonly values: readonly { readonly name: string; readonly value: number }[] };

/** A `WebAssembly.Module`: not all programs have the types of engines. */
export type CompiledModule = object;

/** What is used of the response to a `fetch`. */
export interface FetchResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly url: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export interface Model {
  readonly signature: Signature;
  /** Texts about the model, such as the licence of its weights. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * The model's numbers for one example: probabilities, scores or values.
   *
   * @param features as `signature.input` says, row-major
   * @throws RangeError for another number of features
   */
  predict(features: Uint8Array | Float32Array | Int32Array): Float32Array;
  /**
   * The answer for an image of any size, which is laid on black, stretched and made grey as in training.
   *
   * @param options `invert`: light becomes dark, for a model that knows light things on black
   * @throws TypeError if the model does not take images
   */
  classify(image: RgbaImage, options?: { readonly invert?: boolean | undefined }): Answer;
}

/**
 * The model in a compiled module, at once: for hosts that give modules, as edge workers do, and forbid compiling.
 *
 * @throws TypeError if it is another module
 */
export function createModel(compiled: CompiledModule): Model {
  const module = compiled as WebAssembly.Module;
  const [section] = WebAssembly.Module.customSections(module, sectionName);
  const contents = section && (JSON.parse(new TextDecoder().decode(section)) as Contents);
  if (contents?.version !== 1) {
    throw new TypeError('the module is not a model of this loader; take both from one `train export --wasm`');
  }
  const { input, output, signature, metadata } = contents;
  const { memory, run } = new WebAssembly.Instance(module).exports as { memory: WebAssembly.Memory; run: () => void };
  const size = signature.input.shape.reduce((product, n) => product * n, 1);
  const answer = new Float32Array(memory.buffer, output, signature.output.size);
  const { dtype, image } = signature.input;
  const Elements = dtype === 'float32' ? Float32Array : dtype === 'int32' ? Int32Array : Uint8Array;
  const features = new Elements(memory.buffer, input, size);
  const predict: Model['predict'] = (given) => {
    if (given.length !== size) throw new RangeError(`expected ${size} features, got ${given.length}`);
    features.set(given);
    run();
    return answer.slice();
  };
  return {
    signature,
    metadata,
    predict,
    classify(picture, { invert } = {}) {
      if (!image) throw new TypeError('the model does not take images; use predict');
      const pixels = pixelsOf(picture, { ...image, invert });
      return answerFrom(predict(imageFeatures(signature.input as ImageInputSignature, pixels)), signature.output);
    },
  };
}

/**
 * The model of a `.wasm` file: its bytes, the response to `fetch`, or a compiled module.
 *
 * @throws Error for a response that is not good, and whatever compiling throws
 */
export async function loadModel(
  source: ArrayBuffer | Uint8Array | CompiledModule | FetchResponse | Promise<FetchResponse>,
): Promise<Model> {
  const given = await source;
  if (given instanceof WebAssembly.Module) return createModel(given);
  if (!isResponse(given)) return createModel(await WebAssembly.compile(given as ArrayBuffer));
  if (!given.ok) throw new Error(`${given.url}: the server answers ${given.status}`);
  return createModel(await WebAssembly.compile(await given.arrayBuffer()));
}

function isResponse(given: object): given is FetchResponse {
  return 'arrayBuffer' in given;
}
