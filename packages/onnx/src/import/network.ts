// The nodes of a model file as a network: a function of a tensor and a scope, that traces them one after another.

import { BnError, formatShape, type Layer, type Scope, type Shape, sizeOf, type Tensor, withOrigin } from '@bn/core';
import { byExample } from './by-example.js';
import { findFlattened, pickedOf } from './flattened.js';
import { NodeContext, type TraceContext } from './node-context.js';
import type { OnnxGraph, OnnxNode } from './read-graph.js';
import { rules } from './rules.js';
import { isConstant, tensorOf, type Value } from './value.js';
import type { Weight, Weights } from './weights.js';

/** Values of one example: more are not to be had. */
const largestTensor = 2 ** 31;

/** Integers and shapes that are computed while tracing, in all. */
const mostIntegers = 2 ** 22;

export interface NetworkOptions {
  readonly graph: OnnxGraph;
  readonly weights: Weights;
  /** Name of the value that the network gives. */
  readonly output: string;
  readonly batchNorm: 'frozen' | 'trained';
}

export function createNetwork({ graph, weights, output, batchNorm }: NetworkOptions): Layer {
  const nodes = needed(graph.nodes, output);
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const flattened = graph.input.fixedBatch === 1 ? findFlattened(nodes, graph.outputs) : new Map<OnnxNode, OnnxNode>();
  const postponed = new Set(flattened.values());
  const isMixed = batchNorm === 'trained' && nodes.some(({ operator }) => operator === 'BatchNormalization');
  return (features, scope) => {
    const declare = declarer(scope);
    try {
      return traced(features, scope, declare);
    } catch (error) {
      // A file of a batch of one says what becomes of one example; unless batches are normalized by their own statistics.
      if (graph.input.fixedBatch !== 1 || features.shape[0] === 1 || isMixed) throw error;
      try {
        return byExample((one) => traced(one, scope, declare), features);
      } catch {
        throw error;
      }
    }
  };

  function traced(x: Tensor, scope: Scope, declare: (weight: Weight) => Tensor): Tensor {
    const values = new Map<string, Value>(graph.constants);
    for (const [name, weight] of weights.byName) {
      if (used.has(name)) values.set(name, declare(weight));
    }
    values.set(graph.input.name, x);
    const context: TraceContext = {
      opset: graph.opset,
      scope,
      batch: x.shape[0]!,
      fixedBatch: graph.input.fixedBatch,
      batchNorm,
      values,
      batchNormWeights: (node) => weights.byBatchNorm.get(node),
      declare,
      update: (weight, next) => at(scope, weight.path, (inner, name) => inner.update(name, next)),
    };
    let integers = 0;
    const run = (node: OnnxNode) => {
      for (const [i, value] of evaluate(node, context, graph.input).entries()) {
        if (isConstant(value)) integers += value.data.length;
        if (integers > mostIntegers) throw failure(node, 'unsupported', 'the model computes too much with shapes');
        if (node.outputs[i]) values.set(node.outputs[i], value);
      }
    };
    for (const node of nodes) {
      if (postponed.has(node)) continue;
      const reshape = flattened.get(node);
      const source = values.get(reshape?.inputs[0] ?? '');
      const picked = reshape && pickedOf(source, values.get(node.inputs[1] ?? ''), context.batch);
      if (picked) values.set(node.outputs[0]!, picked);
      else if (reshape) run(reshape);
      if (!picked) run(node);
    }
    const result = values.get(output);
    if (result && !isConstant(result)) return result;
    // With all sizes known, a shape is a value like others.
    if (result && x.shape[0] !== null) return tensorOf(result);
    throw new BnError('unsupported', `the output '${output}' does not depend on the input; name another`);
  }
}

/** The nodes that a value depends on. */
function needed(nodes: readonly OnnxNode[], output: string): readonly OnnxNode[] {
  const wanted = new Set([output]);
  const kept = [...nodes].reverse().filter((node) => {
    if (!node.outputs.some((name) => wanted.has(name))) return false;
    for (const name of node.inputs) wanted.add(name);
    return true;
  });
  return kept.reverse();
}

/** The values of a node's outputs; whatever goes wrong is a BnError that names it. */
function evaluate(node: OnnxNode, context: TraceContext, { name, shape }: OnnxGraph['input']): readonly Value[] {
  const rule = Object.hasOwn(rules, node.operator) ? rules[node.operator] : undefined;
  if (!rule) throw failure(node, 'unsupported', 'this operator is not imported');
  try {
    const given = withOrigin({ layer: node.layer }, () => rule(new NodeContext(node, context)));
    const values = Array.isArray(given) ? (given as readonly Value[]) : [given as Value];
    values.forEach(requireSize);
    return values;
  } catch (cause) {
    // Advice of operations is for those who write them.
    const message = (cause as Error).message.replace(/; (use cast\(\)|trace with .*)$/, '');
    if (!(cause instanceof BnError)) {
      throw failure(node, 'data', `its inputs or attributes make no sense (${message})`, cause);
    }
    const input = `the model's input '${name}' is ${formatShape(shape)}`;
    const hint = cause.code === 'shape' ? `; ${input}: if it was exported with another size or order, use that` : '';
    throw failure(node, cause.code, message + hint, cause);
  }
}

function failure(node: OnnxNode, code: BnError['code'], message: string, cause?: unknown): BnError {
  return new BnError(code, `${node.title}: ${message}`, { cause });
}

function requireSize({ shape }: Value): void {
  const sizes = (shape as Shape).filter((n) => n !== null);
  if (sizes.every((n) => Number.isInteger(n) && n >= 0) && sizeOf(sizes) <= largestTensor) return;
  throw new BnError('unsupported', `its result ${formatShape(shape)} is larger than anything that can be computed`);
}

/** Gives each weight its tensor in this trace, once. */
function declarer(scope: Scope): (weight: Weight) => Tensor {
  const declared = new Map<Weight, Tensor>();
  return (weight) => {
    const known = declared.get(weight);
    if (known) return known;
    const { path, trained, shape, data } = weight;
    const initializer = () => data.slice();
    const tensor = at(scope, path, (inner, name) =>
      trained ? inner.parameter(name, shape, initializer) : inner.state(name, shape, initializer),
    );
    declared.set(weight, tensor);
    return tensor;
  };
}

/** Runs `body` in the scope that the last part of a path is in. */
function at<T>(scope: Scope, path: string, body: (scope: Scope, name: string) => T): T {
  const parts = path.split('.');
  const inner = parts.slice(0, -1).reduce((outer, part) => outer.child(part), scope);
  return body(inner, parts.at(-1)!);
}
