// Makes model files by hand, as other exporters write them or as nobody should.

import type { DType } from '@bn/core';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type NodeProtoSchema, type TensorProto } from '../src/generated/onnx_pb.js';
import { type Attribute, attributeProto, metadataProps, tensorProto, valueInfo } from '../src/model-proto.js';

export interface HandMade {
  readonly opset?: number;
  /** Of the input `x`; null is a symbolic size. Default [null, 2, 5, 6]. */
  readonly shape?: readonly (number | null)[];
  /** Of the input. Default float32. */
  readonly dtype?: DType;
  /** Default `y`. */
  readonly outputs?: readonly string[];
  /** Of outputs that are not float32. */
  readonly types?: Readonly<Record<string, DType>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly nodes: readonly MessageInitShape<typeof NodeProtoSchema>[];
  readonly initializers?: readonly TensorProto[];
}

/** A model of the input `x`. */
export function handMade({
  opset = 17,
  shape = [null, 2, 5, 6],
  dtype = 'float32',
  outputs = ['y'],
  types = {},
  metadata = {},
  nodes,
  initializers = [],
}: HandMade): Uint8Array {
  const output = outputs.map((name) => {
    const info = valueInfo(name, types[name] ?? 'float32', []);
    if (info.type?.value.case === 'tensorType') delete info.type.value.value.shape;
    return info;
  });
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: BigInt(opset) }],
      metadataProps: metadataProps(metadata),
      graph: {
        name: 'graph',
        node: [...nodes],
        initializer: [...initializers],
        input: [valueInfo('x', dtype, shape)],
        output,
      },
    }),
  );
}

/** `Relu`, inputs, output, attributes. */
export function node(
  opType: string,
  input: readonly string[],
  output = 'y',
  attributes: Readonly<Record<string, Attribute>> = {},
): MessageInitShape<typeof NodeProtoSchema> {
  const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value));
  return { opType, name: `${opType}_${output}`, input: [...input], output: [output], attribute };
}

export function floats(name: string, shape: readonly number[], values?: readonly number[]): TensorProto {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from(values ?? Array.from({ length: size }, (_, i) => ((i * 29) % 17) / 10 - 0.8));
  return tensorProto(name, 'float32', shape, new Uint8Array(data.buffer));
}

export function ints(name: string, values: readonly number[], shape: readonly number[] = [values.length]): TensorProto {
  const data = BigInt64Array.from(values, BigInt);
  return tensorProto(name, 'int64', shape, new Uint8Array(data.buffer));
}
