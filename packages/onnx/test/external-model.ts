// Puts a model's weights into a file of their own, as PyTorch does.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, StringStringEntryProtoSchema, TensorProto_DataLocation } from '../src/generated/onnx_pb.js';

/** The model without its weights, and the bytes of the file that has them; `entries` say something else of each. */
export function splitModel(
  bytes: Uint8Array,
  location: string,
  entries: Readonly<Record<string, string>> = {},
): { model: Uint8Array; data: Uint8Array } {
  const model = fromBinary(ModelProtoSchema, bytes);
  const data: number[] = [];
  for (const tensor of model.graph!.initializer) {
    const said = { location, offset: `${data.length}`, length: `${tensor.rawData.length}`, ...entries };
    data.push(...tensor.rawData);
    tensor.externalData = Object.entries(said).map(([key, value]) => {
      return create(StringStringEntryProtoSchema, { key, value });
    });
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    tensor.rawData = new Uint8Array();
  }
  return { model: toBinary(ModelProtoSchema, model), data: Uint8Array.from(data) };
}
