// The answer to an inference request, in JSON and bytes.

import type { DType, TypedArray } from '@bn/core';
import { HttpError } from '../http-error.js';
import { bytesOf } from './binary-elements.js';
import { datatypeOf } from './datatypes.js';
import type { InferenceAnswer } from './infer.js';
import type { InferenceResponse } from './schemas.js';

export interface EncodedResponse {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** Characters. Sockets write a text at once with its headers, but take three bytes for each character. */
const large = 2 ** 16;

/** @throws HttpError 500 for numbers that JSON has not */
export function encodeResponse({ model, request, values }: InferenceAnswer): EncodedResponse {
  const binary: Buffer[] = [];
  const outputs = request.outputs.map(({ name, binary: asBytes }): InferenceResponse['outputs'][number] => {
    const { data, spec } = values.get(name)!;
    const [datatype, shape] = [datatypeOf[spec.dtype], spec.shape as number[]];
    if (!asBytes) return { name, datatype, shape, data: finite(name, elementsOf(data, spec.dtype)) };
    binary.push(bytesOf(data));
    return { name, datatype, shape, parameters: { binary_data_size: data.byteLength } };
  });
  const { name, version } = model;
  const json = JSON.stringify({ model_name: name, model_version: version, id: request.id, outputs });
  if (binary.length === 0) {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    return { headers, body: json.length < large ? json : Buffer.from(json) };
  }
  const head = Buffer.from(json);
  return {
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    },
    body: Buffer.concat([head, ...binary]),
  };
}

function elementsOf(data: TypedArray, dtype: DType): (number | boolean)[] {
  return dtype === 'bool' ? Array.from(data, (x) => x === 1) : Array.from(data);
}

function finite(name: string, elements: (number | boolean)[]): (number | boolean)[] {
  const wrong = elements.find((x) => typeof x === 'number' && !Number.isFinite(x));
  if (wrong === undefined) return elements;
  throw new HttpError(500, `output '${name}' has ${wrong}, which JSON cannot hold; ask for it with binary_data`);
}
