// The texts that an ONNX model carries beside its graph.

import { BnError } from '@bn/core';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from './generated/onnx_pb.js';
import { metadataProps } from './model-proto.js';

/** The model with these texts in its `metadata_props`, in place of earlier ones of the same keys. */
export function addMetadata(bytes: Uint8Array, metadata: Readonly<Record<string, string>>): Uint8Array {
  const model = decodeModel(bytes);
  model.metadataProps = metadataProps({ ...metadataOf(model), ...metadata });
  return toBinary(ModelProtoSchema, model);
}

/**
 * The texts of a model's `metadata_props`.
 *
 * @throws `data` if the bytes are not an ONNX model
 */
export function readMetadata(bytes: Uint8Array): Record<string, string> {
  return metadataOf(decodeModel(bytes));
}

/** The texts of a model that has been decoded. */
export function metadataOf(model: ModelProto): Record<string, string> {
  // Not assigned one by one: a key `__proto__` would change the object's prototype.
  return Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));
}

/** @throws `data` if the bytes are not an ONNX model */
export function decodeModel(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    const { message } = cause as Error;
    throw new BnError('data', `the bytes are not an ONNX model (${message}); use another copy`, { cause });
  }
}
