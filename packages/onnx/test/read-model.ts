// Reads a model back, to look at it in tests.

import { fromBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema, type ValueInfoProto } from '../src/generated/onnx_pb.js';

export function readModel(bytes: Uint8Array): ModelProto {
  return fromBinary(ModelProtoSchema, bytes);
}

/** One line per node, initializers as their shapes: `y = Gemm(x, weight, [4]) {transB: 1}`. */
export function printModel(bytes: Uint8Array): string[] {
  const { graph } = readModel(bytes);
  const shapes = new Map(graph!.initializer.map(({ name, dims }) => [name, `[${dims}]`]));
  return graph!.node.map(({ opType, input, output, attribute }) => {
    const attributes = attribute.map(({ name, i, f, ints }) => `${name}: ${ints.length > 0 ? `[${ints}]` : i || f}`);
    const operands = input.map((name) => shapes.get(name) ?? name).join(', ');
    return `${output} = ${opType}(${operands})${attributes.length > 0 ? ` {${attributes.join(', ')}}` : ''}`;
  });
}

/** `x: 1 [batch, 3]`, the number being ONNX's for the element type. */
export function printValue({ name, type }: ValueInfoProto): string {
  if (type?.value.case !== 'tensorType') return name;
  const { elemType, shape } = type.value.value;
  return `${name}: ${elemType} [${shape?.dim.map(({ value }) => value.value).join(', ')}]`;
}
