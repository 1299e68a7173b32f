// An inference request's way through the model, the same for HTTP and gRPC.

import { joinArrays, type TypedArray } from '@bn/core';
import type { OutputValue } from '../../model/open-model.js';
import type { Caller } from '../caller.js';
import type { Budget } from '../http/budget.js';
import { decodeImages, imageModel, untilTimeUp } from '../images.js';
import type { ServedModel } from '../models/served-model.js';
import type { ParsedRequest } from './parse-request.js';

export interface InferenceOptions {
  readonly caller: Caller;
  /** Milliseconds. */
  readonly timeout: number;
  /** Of the bytes that decoding images may take at a time. */
  readonly decoding: Budget;
}

export interface InferenceAnswer {
  readonly model: Pick<ServedModel, 'name' | 'version'>;
  readonly request: Pick<ParsedRequest, 'id' | 'outputs'>;
  /** By name. */
  readonly values: ReadonlyMap<string, OutputValue>;
}

/** @throws HttpError */
export async function infer(
  model: ServedModel,
  request: ParsedRequest,
  options: InferenceOptions,
): Promise<InferenceAnswer> {
  const { input, rows } = request;
  const features = 'features' in input ? input.features : await featuresOf(model, input.images, options);
  return { model, request, values: await model.predict('outputs', features, rows, options.caller) };
}

/** Decoded as by `POST /classify`. */
function featuresOf(
  model: ServedModel,
  images: readonly Uint8Array[],
  { caller, timeout, decoding }: InferenceOptions,
): Promise<TypedArray> {
  const { input } = imageModel(model);
  const encoded = images.map((bytes, i) => ({ bytes, site: `element ${i}: ` }));
  return untilTimeUp(caller, timeout, async (caller) => {
    const pixels = await decodeImages(encoded, input, {
      ...{ invert: false, budget: decoding, caller },
      requireRoom: () => model.requireRoom('outputs'),
    });
    return joinArrays(pixels.map((one) => input.features(one)));
  });
}
