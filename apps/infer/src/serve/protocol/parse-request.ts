// An inference request, however it came, checked against the model.

import { formatShape, type Spec, type TypedArray } from '@bn/core';
import type { InferenceModel } from '../../model/open-model.js';
import { HttpError } from '../http-error.js';
import { maxImages } from '../images.js';
import { datatypeOf, datatypes } from './datatypes.js';
import type { Elements } from './elements.js';
import type { InferenceRequest } from './schemas.js';
import type { Steps } from './slices.js';

/** What requests are checked against; the batch dimensions are null. */
export type ModelInterface = Pick<InferenceModel, 'input' | 'outputs'>;

/** A request as the readers of JSON, of bytes and of gRPC's messages give it. */
export interface Received {
  /** Without elements. */
  readonly request: InferenceRequest;
  /** Of its tensor. */
  readonly elements: Elements;
}

export interface ParsedRequest {
  readonly id: string | undefined;
  /** The tensor in the model's type; or files of images, one for each example. */
  readonly input: { readonly features: TypedArray } | { readonly images: readonly Uint8Array[] };
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

/** @throws HttpError 400 for what does not fit */
export function* parseRequest({ request, elements }: Received, model: ModelInterface): Steps<ParsedRequest> {
  requireSupported(request);
  const given = onlyInput(request, model);
  const { datatype, shape } = given;
  checkShape(given, model.input.spec);
  const outputs = requestedOutputs(request, model);
  const input =
    datatype === 'BYTES'
      ? { images: yield* elements.items(shape[0]!) }
      : { features: yield* elements.tensor({ datatype, shape, dtype: model.input.spec.dtype }) };
  return { id: request.id, input, rows: shape[0]!, outputs };
}

/** Parameters of Triton's extensions that change what is computed, or where the data is. */
const unsupported = /^(classification|priority|sequence_(id|start|end)|shared_memory_.*)$/;

function requireSupported(request: InferenceRequest): void {
  for (const { parameters = {} } of [request, ...request.inputs, ...(request.outputs ?? [])]) {
    for (const name of Object.keys(parameters)) {
      if (!unsupported.test(name)) continue;
      throw new HttpError(400, `parameters.${name}: this server does not have it; leave it out`);
    }
  }
}

function onlyInput({ inputs }: InferenceRequest, { input }: ModelInterface): Input {
  const stranger = inputs.find(({ name }) => name !== input.name);
  if (stranger) throw new HttpError(400, `inputs: unexpected '${stranger.name}'; the model takes '${input.name}'`);
  if (inputs.length > 1) throw new HttpError(400, `inputs: '${input.name}' is given ${inputs.length} times`);
  return inputs[0]!;
}

function checkShape({ name, shape, datatype }: Input, spec: Spec): void {
  const refuse = (wanted: string) => {
    throw new HttpError(400, `input '${name}': expected ${wanted}, got ${formatShape(shape)}`);
  };
  if (datatype === 'BYTES') {
    const isList = shape.length === 1 || (shape.length === 2 && shape[1] === 1);
    if (!isList || shape[0]! < 1 || shape[0]! > maxImages) {
      refuse(`BYTES of shape [batch] or [batch, 1], with the files of 1 to ${maxImages} images`);
    }
    return;
  }
  if (!datatypes.has(datatype)) {
    const all = [...datatypes.keys(), 'BYTES'].join(', ');
    throw new HttpError(
      400,
      `input '${name}': expected datatype ${datatypeOf[spec.dtype]}, or one of ${all}; got ${datatype}`,
    );
  }
  const fits = shape.length === spec.shape.length && shape.every((n, axis) => n === (spec.shape[axis] ?? n));
  if (!fits || shape[0] === 0) refuse(`shape ${formatShape(spec.shape)} with a batch of at least 1`);
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
