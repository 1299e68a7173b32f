// An inference request of the protocol as HTTP has it: JSON, and bytes after it.

import { HttpError } from '../http-error.js';
import { binaryElements } from './binary-elements.js';
import { type Elements, noElements } from './elements.js';
import { jsonElements } from './json-elements.js';
import { cutRequest, parseJson } from './parse-json.js';
import { type ModelInterface, type ParsedRequest, parseRequest } from './parse-request.js';
import { type InferenceRequest, inferenceRequest } from './schemas.js';
import type { Steps } from './slices.js';

/**
 * @param headerLength the header Inference-Header-Content-Length: where the JSON ends and binary data begins
 * @throws HttpError 400 for what is no such request
 */
export function* readHttp(body: Buffer, headerLength: string | undefined, model: ModelInterface): Steps<ParsedRequest> {
  const jsonLength = headerLength === undefined ? body.length : Number(headerLength);
  if (headerLength !== undefined && (!/^\d+$/.test(headerLength) || jsonLength > body.length)) {
    const problem = `expected at most the ${body.length} bytes of the body, got ${headerLength}`;
    throw new HttpError(400, `Inference-Header-Content-Length: ${problem}`);
  }
  const { head, data } = yield* cutRequest(body.subarray(0, jsonLength));
  const request = parseJson(head, inferenceRequest);
  const elements = elementsOf(request, data, body.subarray(jsonLength));
  return yield* parseRequest({ request, elements }, model);
}

function elementsOf({ inputs }: InferenceRequest, data: Buffer | null, bytes: Buffer): Elements {
  const { name, parameters } = inputs[0]!;
  const binarySize = parameters?.binary_data_size;
  // Several inputs are refused by the model.
  if (inputs.length === 1 && bytes.length !== (binarySize ?? 0)) {
    const problem = `binary_data_size of input '${name}' is ${binarySize ?? 0}, but ${bytes.length} bytes follow the JSON`;
    throw new HttpError(400, `binary data: ${problem}`);
  }
  if ((binarySize === undefined) === (data === null)) {
    return noElements(name, 'data, or binary_data_size and bytes after the JSON');
  }
  return data ? jsonElements(data) : binaryElements(bytes);
}
