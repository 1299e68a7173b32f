// Files of images in requests, and the models that take them.

import { BnError, type OutputSignature } from '@bn/core';
import { decodeImage } from '@bn/datasets';
import { type ImageInput, imageInput } from '../model/image-input.js';
import { Caller } from './caller.js';
import type { Budget } from './http/budget.js';
import { HttpError, timeUp, wentAway } from './http-error.js';
import type { ServedModel } from './models/served-model.js';

/** In a request. */
export const maxImages = 32;

/** Bytes that decoding counts for at least. */
const leastDecoded = 2 ** 20;

export interface EncodedImage {
  readonly bytes: Uint8Array;
  /** How messages begin: which of several it is. */
  readonly site: string;
}

export interface DecodingOptions {
  /** Light becomes dark. */
  readonly invert: boolean;
  /** Of the bytes that decoding may take at a time. */
  readonly budget: Budget;
  readonly caller: Caller;
  /** @throws HttpError 503 when there is no room for what is decoded */
  readonly requireRoom: () => void;
}

/** @throws HttpError 400 if the model takes something else */
export function imageModel({ name, signature, assumptions }: ServedModel): {
  input: ImageInput;
  output: OutputSignature;
} {
  if (!signature) throw new HttpError(400, `model '${name}': ${assumptions[0]}`);
  try {
    return { input: imageInput(name, signature), output: signature.output };
  } catch (error) {
    throw new HttpError(400, (error as Error).message);
  }
}

/**
 * The images' pixels, as the model has them. One is decoded after another: many take no more memory than one.
 *
 * @throws HttpError 400 for what is no image, 503 if others take too much memory
 */
export async function decodeImages(
  images: readonly EncodedImage[],
  { channels, height, width }: ImageInput,
  { invert, budget, caller, requireRoom }: DecodingOptions,
): Promise<Uint8Array[]> {
  const decoded: Uint8Array[] = [];
  for (const { bytes, site } of images) {
    if (caller.hasLeft) throw wentAway();
    requireRoom();
    const share = budget.share();
    const admit = (cost: number) => share.take(Math.max(cost, leastDecoded));
    const pixels = decodeImage(bytes, { channels, size: [height, width], invert, admit });
    decoded.push(await pixels.catch((error) => refuse(site, error)).finally(share.release));
  }
  return decoded;
}

function refuse(site: string, error: Error): never {
  throw error instanceof BnError && error.code === 'data' ? new HttpError(400, site + error.message) : error;
}

/**
 * Work on images until nobody waits for it any more. Decoding itself goes on: nothing stops it.
 *
 * @param timeout in milliseconds
 * @throws HttpError 504
 */
export function untilTimeUp<T>(caller: Caller, timeout: number, work: (caller: Caller) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const patient = new Caller();
    const leave = () => {
      reject(timeUp(timeout));
      patient.leave();
    };
    const timer = setTimeout(leave, timeout);
    caller.onLeave(leave);
    work(patient)
      .finally(() => clearTimeout(timer))
      .then(resolve, reject);
  });
}
