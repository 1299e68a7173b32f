// Several runs of a graph in one, as an ONNX model: a Scan whose body is the graph.

import { createGraph, type Graph, input, isOp, replaceNodes, type Spec, type Steps, stepSpecs } from '@bn/core';
import { create } from '@bufbuild/protobuf';
import { type GraphProto, GraphProtoSchema, NodeProtoSchema, type ValueInfoProto } from './generated/onnx_pb.js';
import { attributeProto, valueInfo } from './model-proto.js';
import { lowered, modelOf } from './to-onnx.js';

/**
 * The ONNX model (bytes) that runs `graph` as often as `steps` says. Inputs and outputs are those of `stepSpecs`, named
 * and ordered as `toOnnx` does.
 *
 * @throws `argument` where the steps do not fit the graph
 * @see https://onnx.ai/onnx/operators/onnx__Scan.html
 */
export function stepsToOnnx(graph: Graph, steps: Steps): Uint8Array {
  const { inputs, outputs } = stepSpecs(graph, steps);
  const carried = Object.entries(steps.carried);
  const scanned = [...graph.outputs.keys()].filter((name) => !(name in steps.carried));
  const body = bodyOf(graph, carried, steps.stacked, scanned);
  const results = new Map([...outputs.keys()].map((name) => [name, graph.inputs.has(name) ? `${name}.next` : name]));
  const scan = create(NodeProtoSchema, {
    name: 'steps',
    opType: 'Scan',
    input: [...carried.map(([, input]) => input), ...steps.stacked],
    output: [...carried.map(([output]) => output), ...scanned].map((name) => results.get(name)!),
    attribute: [attributeProto('body', body), attributeProto('num_scan_inputs', steps.stacked.length)],
  });
  const input = infos(inputs, (name) => name);
  const output = infos(outputs, (name) => results.get(name)!);
  return modelOf(create(GraphProtoSchema, { name: 'steps', node: [scan], input, output }));
}

/** The graph as a body of Scan: first what is carried, then what is scanned, in other names than outside. */
function bodyOf(
  graph: Graph,
  carried: readonly (readonly [output: string, input: string])[],
  stacked: readonly string[],
  scanned: readonly string[],
): GraphProto {
  const own = new Map([...carried.map(([, name]) => name), ...stacked].map((name) => [name, `${name} of the step`]));
  const renamed = replaceNodes(graph, (node) => {
    const name = isOp(node, 'input') ? own.get(node.attributes.name) : undefined;
    return name === undefined ? node : input(name, node.shape, node.dtype);
  });
  const names = [...carried.map(([output]) => output), ...scanned];
  const ends = new Map(names.map((name) => [`${name} of the step's end`, renamed.outputs.get(name)!]));
  const body = lowered(createGraph(ends));
  // Inputs that are not used are inputs all the same; what is neither carried nor scanned comes from outside.
  const specs = new Map([...own].map(([name, inner]) => [inner, graph.inputs.get(name)!]));
  body.input = infos(specs, (name) => name);
  return body;
}

function infos(specs: ReadonlyMap<string, Spec>, nameOf: (name: string) => string): ValueInfoProto[] {
  return [...specs].map(([name, { dtype, shape }]) => valueInfo(nameOf(name), dtype, shape));
}
