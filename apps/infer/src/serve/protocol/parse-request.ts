// An inference request of the protocol, checked against the model.

import { formatShape, type Spec, type TypedArray } from '@bn/core';
import type { InferenceModel } from '../../model/open-model.js';
import { HttpError } from '../http-error.js';
import { datatypes } from './datatypes.js';
import { cutRequest, parseJson } from './parse-json.js';
import { readElements } from './read-elements.js';
import { type InferenceRequest, inferenceRequest } from './schemas.js';
import type { Steps } from './slices.js';
import { tensorFromBytes } from './tensor-data.js';

/** What requests are checked against; the batch dimensions are null. */
export type ModelInterface = Pick<InferenceModel, 'input' | 'outputs'>;

export interface ParsedRequest {
  readonly id?: string;
  readonly features: TypedArray;
  /** Examples in the batch. */
  readonly rows: number;
  /** In the order of the answer. */
  readonly outputs: readonly RequestedOutput[];
}

interface RequestedOutput {
  readonly name: string;
  /** Whether it is answered as bytes. */
  readonly binary: boolean;
}

type Input = InferenceRequest['inputs'][number];

/**
 * @param headerLength the header Inference-Header-Content-Length: where the JSON ends and binary data begins
 * @throws HttpError 400 for what does not fit
 */
export function* parseRequest(
  body: Buffer,
  headerLength: string | undefined,
  model: ModelInterface,
): Steps<ParsedRequest> {
  const jsonLength = headerLength === undefined ? body.length : Number(headerLength);
  if (headerLength !== undefined && (!/^\d+$/.test(headerLength) || jsonLength > body.length)) {
    const problem = `expected at most the ${body.length} bytes of the body, got ${headerLength}`;
    throw new HttpError(400, `Inference-Header-Content-Length: ${problem}`);
  }
  const { head, data } = yield* cutRequest(body.subarray(0, jsonLength));
  const request = parseJson(head, inferenceRequest);
  requireSupported(request);
  const input = onlyInput(request, model);
  const shape = checkedShape(input, model.input.spec);
  requireOneForm(input, data, body.length - jsonLength);
  const { dtype } = model.input.spec;
  const features = data
    ? yield* readElements(data, shape, dtype)
    : tensorFromBytes(body.subarray(jsonLength), shape, dtype);
  return {
    ...(request.id !== undefined && { id: request.id }),
    ...{ features, rows: shape[0]!, outputs: requestedOutputs(request, model) },
  };
}

/** Parameters of Triton's extensions that change what is computed, or where the data is. */
const unsupported = /^(classification|priority|sequence_(id|start|end)|shared_memory_.*)$/;

function requireSupported({ parameters, inputs, outputs = [] }: InferenceRequest): void {
  for (const given of [parameters, ...[...inputs, ...outputs].map(({ parameters }) => parameters)]) {
    const name = Object.keys(given ?? {}).find((name) => unsupported.test(name));
    if (name) throw new HttpError(400, `parameters.${name}: this server does not have it; leave it out`);
  }
}

function onlyInput({ inputs }: InferenceRequest, { input }: ModelInterface): Input {
  const stranger = inputs.find(({ name }) => name !== input.name);
  if (stranger) throw new HttpError(400, `inputs: unexpected '${stranger.name}'; the model takes '${input.name}'`);
  if (inputs.length > 1) throw new HttpError(400, `inputs: '${input.name}' is given ${inputs.length} times`);
  return inputs[0]!;
}

function checkedShape({ name, shape, datatype }: Input, spec: Spec): readonly number[] {
  const expected = datatypes[spec.dtype].name;
  if (datatype !== expected)
    throw new HttpError(400, `input '${name}': expected datatype ${expected}, got ${datatype}`);
  const fits = shape.length === spec.shape.length && shape.every((n, axis) => n === (spec.shape[axis] ?? n));
  if (!fits || shape[0] === 0) {
    const wanted = `shape ${formatShape(spec.shape)} with a batch of at least 1`;
    throw new HttpError(400, `input '${name}': expected ${wanted}, got ${formatShape(shape)}`);
  }
  return shape;
}

function requireOneForm({ name, parameters }: Input, data: Buffer | null, bytes: number): void {
  const binarySize = parameters?.binary_data_size;
  const total = binarySize ?? 0;
  if (bytes !== total) {
    const problem = `binary_data_size of input '${name}' is ${total}, but ${bytes} bytes follow the JSON`;
    throw new HttpError(400, `binary data: ${problem}`);
  }
  if ((binarySize === undefined) === (data === null)) {
    throw new HttpError(400, `input '${name}': expected either data, or binary_data_size and bytes after the JSON`);
  }
}

function requestedOutputs({ parameters, outputs }: InferenceRequest, model: ModelInterface): RequestedOutput[] {
  const standard = parameters?.binary_data_output === true;
  const names = [...model.outputs.keys()];
  if (!outputs) return names.map((name) => ({ name, binary: standard }));
  const asked = new Set<string>();
  return outputs.map(({ name, parameters }) => {
    if (!model.outputs.has(name) || asked.has(name)) {
      const reason = asked.has(name) ? 'is asked for twice' : `is unknown; the model has ${names.join(', ')}`;
      throw new HttpError(400, `outputs: '${name}' ${reason}`);
    }
    asked.add(name);
    return { name, binary: (parameters?.binary_data ?? standard) === true };
  });
}
