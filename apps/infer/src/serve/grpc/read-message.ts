// An inference request of the protocol as gRPC has it.

import { HttpError } from '../http-error.js';
import { binaryElements } from '../protocol/binary-elements.js';
import { type Elements, noElements } from '../protocol/elements.js';
import { checked } from '../protocol/parse-json.js';
import type { Received } from '../protocol/parse-request.js';
import { type InferenceRequest, inferenceRequest } from '../protocol/schemas.js';
import { contentsElements } from './contents-elements.js';
import { bytesField, WireReader, wireTypes } from './wire-reader.js';

/** Bytes and fields of a message without its tensor's elements. */
const [largest, mostFields] = [2 ** 14, 500];

/** What the decoder makes of a ModelInferRequest. */
interface Message {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: MessageParameters;
  readonly inputs: readonly { readonly parameters: MessageParameters }[];
  readonly outputs: readonly { readonly parameters: MessageParameters }[];
}

export type MessageParameters = Readonly<
  Record<string, { readonly parameter_choice?: string; readonly [choice: string]: unknown }>
>;

export interface ReceivedMessage extends Received {
  readonly name: string;
  /** Empty: any. */
  readonly version: string;
}

/**
 * @param decode makes an object of a ModelInferRequest
 * @throws HttpError 400 for what is no such request
 */
export function readMessage(bytes: Buffer, decode: (bytes: Buffer) => unknown): ReceivedMessage {
  const { head, raw, contents } = cutMessage(bytes);
  const { model_name: name, model_version: version, id, ...message } = decodeSmall(head, decode) as Message;
  const outputs = message.outputs.map(withParameters);
  const request = checked(inferenceRequest, {
    ...(id !== '' && { id }),
    ...{ parameters: valuesOf(message.parameters), inputs: message.inputs.map(withParameters) },
    ...(outputs.length > 0 && { outputs }),
  });
  return { name, version, request, elements: elementsOf(request, raw, contents) };
}

function elementsOf({ inputs }: InferenceRequest, raw: Buffer | undefined, contents: Buffer | undefined): Elements {
  if (raw && !contents) return binaryElements(raw);
  if (contents && !raw) return contentsElements(contents);
  return noElements(inputs[0]!.name, 'contents, or raw_input_contents');
}

/** @throws HttpError 400 for a message that is no such one, or larger than it can be with sense */
export function decodeSmall(bytes: Buffer, decode: (bytes: Buffer) => unknown): unknown {
  if (bytes.length > largest) throw tooMuch(`${largest} bytes`);
  try {
    return decode(bytes);
  } catch {
    throw new HttpError(400, 'the message is damaged, or of another kind');
  }
}

function withParameters<T extends { readonly parameters: MessageParameters }>(given: T) {
  return { ...given, parameters: valuesOf(given.parameters) };
}

export function valuesOf(parameters: MessageParameters): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { parameter_choice = '', ...values }]) => [name, values[parameter_choice]]),
  );
}

/** Fields of ModelInferRequest, and of its inputs. */
const [inputs, rawInputContents, inputContents] = [5, 7, 5];

interface CutMessage {
  /** The message without the elements. */
  readonly head: Buffer;
  readonly raw: Buffer | undefined;
  readonly contents: Buffer | undefined;
}

/** Takes the elements out of a message, which are most of it, so that they can be read without an object for each. */
function cutMessage(message: Buffer): CutMessage {
  const elements = new Map<number, Buffer>();
  const takeOut = (site: number) => (bytes: Buffer) => {
    if (elements.has(site)) throw new HttpError(400, 'inputs: data is given twice; the model takes one input');
    elements.set(site, bytes);
    return Buffer.alloc(0);
  };
  let count = 0;
  /** What is made of these fields, and the others as they are. */
  const edited = (bytes: Buffer, edits: ReadonlyMap<number, (bytes: Buffer) => Buffer>) => {
    const reader = new WireReader(bytes);
    const parts: Buffer[] = [];
    for (let size = 0; !reader.isAtEnd; ) {
      if (++count > mostFields) throw tooMuch(`${mostFields} fields`);
      const from = reader.at;
      const field = reader.field();
      const edit = field.type === wireTypes.bytes && edits.get(field.number);
      if (!edit) reader.skip(field);
      const part = edit ? edit(reader.bytes()) : bytes.subarray(from, reader.at);
      size += part.length;
      if (size > largest) throw tooMuch(`${largest} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts);
  };
  const inInput = new Map([[inputContents, takeOut(inputContents)]]);
  const inMessage = new Map([
    [rawInputContents, takeOut(rawInputContents)],
    [inputs, (input: Buffer) => bytesField(inputs, edited(input, inInput))],
  ]);
  const head = edited(message, inMessage);
  return { head, raw: elements.get(rawInputContents), contents: elements.get(inputContents) };
}

function tooMuch(limit: string): HttpError {
  return new HttpError(400, `the request has more than ${limit} besides its data; leave out what is not needed`);
}
