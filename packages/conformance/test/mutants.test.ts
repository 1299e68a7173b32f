// The literal cases are sharp: a backend with one of these mistakes fails at least one of them.

import { createGraph, type Graph, isOp, ops, Tensor } from '@bn/core';
import { createBackend } from '@bn/reference';
import { expect, test } from 'vitest';
import { expectClose } from '../src/expect-close.js';
import { allLiteralCases } from '../src/literal-cases.js';
import { graphOf, named, runGraph } from '../src/run-graph.js';
import { tolerances } from '../src/tolerances.js';

/** A mistake: what a node is computed as, or undefined for nodes that are computed correctly. */
type Mutant = (node: Tensor) => Tensor | undefined;

const swap = (axes: readonly number[]) => [axes[2], axes[3], axes[0], axes[1]] as const;

const mutants: Readonly<Record<string, Mutant>> = {
  'maximum is minimum': (node) => (isOp(node, 'maximum') ? ops.minimum(node.inputs[0], node.inputs[1]) : undefined),
  'sub takes the first from the second': (node) =>
    isOp(node, 'sub') ? ops.sub(node.inputs[1], node.inputs[0]) : undefined,
  'div by zero is zero': (node) => {
    if (!isOp(node, 'div')) return undefined;
    const [a, b] = node.inputs;
    return ops.where(ops.equal(b, 0), 0, ops.div(a, b));
  },
  'NaN times zero is zero': (node) => {
    if (!isOp(node, 'mul') || node.dtype !== 'float32') return undefined;
    const [a, b] = node.inputs;
    return ops.where(ops.equal(b, 0), 0, ops.mul(a, b));
  },
  'less is less or equal': (node) => {
    if (!isOp(node, 'less')) return undefined;
    const [a, b] = node.inputs;
    return ops.equal(ops.less(b, a), ops.less(a, a));
  },
  'uint8 has a sign': (node) => {
    if (!isOp(node, 'cast') || node.inputs[0].dtype !== 'uint8' || node.dtype !== 'float32') return undefined;
    const value = new Tensor('cast', node.inputs, { dtype: 'float32' }, node);
    return ops.where(ops.less(value, 128), value, ops.sub(value, 256));
  },
  'cast rounds': (node) => {
    if (!isOp(node, 'cast') || node.dtype !== 'int32' || node.inputs[0].dtype !== 'float32') return undefined;
    return new Tensor('cast', [ops.add(node.inputs[0], 0.5)], node.attributes, node);
  },
  'erf is tanh': (node) => (isOp(node, 'erf') ? ops.tanh(node.inputs[0]) : undefined),
  'sum over no axes sums all': (node) => {
    if (!isOp(node, 'sum') || node.attributes.axes.length > 0) return undefined;
    return ops.broadcastTo(ops.sum(node.inputs[0]), node.shape);
  },
  'max starts from zero': (node) => (isOp(node, 'max') ? ops.maximum(node, 0) : undefined),
  'argmax takes the last of equals': (node) => {
    if (!isOp(node, 'argmax') || node.inputs[0].dtype !== 'float32') return undefined;
    const [x, { axis }] = [node.inputs[0], node.attributes];
    const counting = ops.iota(x.shape as number[], axis);
    return ops.max(ops.where(ops.equal(x, ops.max(x, [axis], { keepDims: true })), counting, -1), [axis]);
  },
  'transpose by the inverse permutation': (node) => {
    if (!isOp(node, 'transpose')) return undefined;
    const { permutation } = node.attributes;
    const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
    return ops.reshape(ops.transpose(node.inputs[0], inverse), node.shape);
  },
  'pad swaps before and after': (node) => {
    if (!isOp(node, 'pad')) return undefined;
    const { before, after, value } = node.attributes;
    return ops.pad(node.inputs[0], after, before, value);
  },
  'concat puts the last first': (node) => {
    return isOp(node, 'concat') ? ops.concat([...node.inputs].reverse(), node.attributes.axis) : undefined;
  },
  'gather names entries from the end': (node) => {
    if (!isOp(node, 'gather')) return undefined;
    const [x, indices] = node.inputs;
    return ops.gather(x, ops.sub(x.shape[node.attributes.axis]! - 1, indices), node.attributes.axis);
  },
  'matmul ignores the batch': (node) => {
    if (!isOp(node, 'matmul') || node.shape.length !== 3 || node.shape[0] === 1) return undefined;
    const [a, b] = node.inputs;
    const first = ops.slice(b, [0, 0, 0], [1, b.shape[1], b.shape[2]]);
    return ops.matmul(a, first, node.attributes);
  },
  'conv2d swaps the paddings': (node) => {
    if (!isOp(node, 'conv2d')) return undefined;
    const { padding, ...geometry } = node.attributes;
    return ops.conv2d(node.inputs[0], node.inputs[1], { ...geometry, padding: swap(padding) });
  },
  'conv2d flips the kernel': (node) => {
    if (!isOp(node, 'conv2d')) return undefined;
    const [x, filter] = node.inputs;
    const [out, channels, height, width] = filter.shape as number[];
    const reversed = ops.sub(height * width - 1, ops.iota([height * width]));
    const flat = ops.gather(ops.reshape(filter, [out, channels, height * width]), reversed, 2);
    return ops.conv2d(x, ops.reshape(flat, filter.shape), node.attributes);
  },
  'avgPool2d counts padding': (node) => {
    if (!isOp(node, 'avgPool2d')) return undefined;
    return ops.avgPool2d(node.inputs[0], { ...node.attributes, countIncludesPadding: true });
  },
  'avgPool2d does not count padding': (node) => {
    if (!isOp(node, 'avgPool2d')) return undefined;
    return ops.avgPool2d(node.inputs[0], { ...node.attributes, countIncludesPadding: false });
  },
  'maxPool2d pads with zeros': (node) => {
    if (!isOp(node, 'maxPool2d')) return undefined;
    const [top, left, bottom, right] = node.attributes.padding;
    const padded = ops.pad(node.inputs[0], [0, 0, top, left], [0, 0, bottom, right]);
    return ops.maxPool2d(padded, { ...node.attributes, padding: [0, 0, 0, 0] });
  },
  'batchNormalize ignores epsilon': (node) => {
    if (!isOp(node, 'batchNormalize')) return undefined;
    const [x, mean, variance, gamma, beta] = node.inputs;
    return ops.batchNormalize(x, mean, variance, gamma, beta, { ...node.attributes, epsilon: 0 });
  },
  'softmax overflows': (node) => {
    if (!isOp(node, 'softmax')) return undefined;
    const e = ops.exp(node.inputs[0]);
    return ops.div(e, ops.sum(e, [node.attributes.axis], { keepDims: true }));
  },
  'relu is the magnitude': (node) => {
    return isOp(node, 'relu') ? ops.maximum(node.inputs[0], ops.neg(node.inputs[0])) : undefined;
  },
};

test.each(Object.entries(mutants))('%s', async (_, mutant) => {
  const backend = await createBackend();
  const failures: string[] = [];
  for (const { name, inputs, build, family, expected } of allLiteralCases) {
    try {
      const { y } = await runGraph(backend, mutate(graphOf(inputs, build), mutant), named(inputs));
      expectClose(y, expected, tolerances[32][family]);
    } catch (error) {
      if ((error as Error).name !== 'AssertionError') throw error;
      failures.push(name);
    }
  }
  expect(failures.length).toBeGreaterThan(0);
  expect(failures.length).toBeLessThan(allLiteralCases.length / 4);
});

/** The graph with the mistake in it. */
function mutate(graph: Graph, mutant: Mutant): Graph {
  const mutated = new Map<Tensor, Tensor>();
  for (const node of graph.nodes) {
    const operands = node.inputs.map((x) => mutated.get(x)!);
    const copy = new Tensor(node.op, operands, node.attributes, node);
    mutated.set(node, mutant(copy) ?? copy);
  }
  return createGraph(new Map([...graph.outputs].map(([name, node]) => [name, mutated.get(node)!])));
}
