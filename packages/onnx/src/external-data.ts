// Weights in files of their own, as PyTorch writes them by default: `model.onnx.data` beside `model.onnx`.

import { BnError } from '@bn/core';
import { toBinary } from '@bufbuild/protobuf';
import { TensorProto_DataLocation as DataLocation, ModelProtoSchema } from './generated/onnx_pb.js';
import { decodeModel } from './metadata.js';

/** What a file of Protocol Buffers may hold. */
const largestModel = 2 ** 31 - 1;

/**
 * The model with the weights that it has in other files inside, for `importOnnx` and ONNX Runtime; the bytes as they are if
 * it has none.
 *
 * @param read gives a file's content by the path that the model has for it, relative to its own folder. The path may be
 * anything that a stranger wrote there: `read` decides what may be read.
 * @throws BnError `data` if a file does not have the bytes that the model names
 */
export async function embedExternalData(
  bytes: Uint8Array,
  read: (location: string) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const model = decodeModel(bytes);
  const external = model.graph?.initializer.filter((tensor) => tensor.dataLocation === DataLocation.EXTERNAL) ?? [];
  if (external.length === 0) return bytes;
  const files = new Map<string, Uint8Array>();
  let total = bytes.length;
  for (const tensor of external) {
    const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
    const location = entries.get('location') ?? '';
    const file = files.get(location) ?? (await read(location));
    files.set(location, file);
    const start = Number(entries.get('offset') ?? 0);
    const end = start + Number(entries.get('length') ?? file.length - start);
    if (!(Number.isSafeInteger(start) && start >= 0 && end >= start && end <= file.length)) {
      const seen = `'${tensor.name}' is said to be bytes ${start} to ${end} of '${location}', which has ${file.length}`;
      throw new BnError('data', `${seen}; use the file that was written together with the model`);
    }
    total += end - start;
    if (total > largestModel) throw new BnError('unsupported', 'the model is larger than 2 GB; use a smaller one');
    tensor.rawData = file.subarray(start, end);
    tensor.dataLocation = DataLocation.DEFAULT;
    tensor.externalData = [];
  }
  return toBinary(ModelProtoSchema, model);
}
