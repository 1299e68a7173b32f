// Which tensors of a graph are held as [batch, height, width, channels]: one decision for the whole graph.
//
// TensorFlow.js convolves and pools in that order of axes, core's order is [batch, channels, height, width]. Whatever
// lies between convolutions, pooling and statistics is computed in TensorFlow's order too, so that axes are permuted
// only where an order is given: at the graph's inputs and outputs, before flattening, and after unflattening.

import type { FusedName, Graph, PrimitiveName, Tensor } from '@bn/core';

/** `plain` is core's order of axes; `channelsLast` occurs with four axes only. */
export type Layout = 'plain' | 'channelsLast';

/** The place of each of core's image axes in [batch, height, width, channels]. */
export const channelsLastAxis = [0, 3, 1, 2] as const;

/** Permutations of axes, as `transpose` takes them. */
export const toChannelsLast = [0, 2, 3, 1] as const;
export const toPlain = [0, 3, 1, 2] as const;

/** `image`: images by nature; `follow`: as its operands are, if one is an image; `plain`: in core's order. */
type Habit = 'image' | 'follow' | 'plain';

const habits: { readonly [Op in PrimitiveName | FusedName | 'input' | 'constant']: Habit } = {
  input: 'plain',
  constant: 'plain',
  add: 'follow',
  sub: 'follow',
  mul: 'follow',
  div: 'follow',
  maximum: 'follow',
  minimum: 'follow',
  neg: 'follow',
  exp: 'follow',
  log: 'follow',
  sqrt: 'follow',
  tanh: 'follow',
  sigmoid: 'follow',
  erf: 'follow',
  equal: 'follow',
  less: 'follow',
  where: 'follow',
  cast: 'follow',
  sum: 'follow',
  max: 'follow',
  argmax: 'plain',
  reshape: 'plain',
  transpose: 'plain',
  broadcastTo: 'follow',
  pad: 'follow',
  slice: 'follow',
  concat: 'follow',
  gather: 'plain',
  iota: 'plain',
  matmul: 'plain',
  conv2d: 'image',
  conv2dInputGradient: 'image',
  conv2dFilterGradient: 'plain',
  avgPool2d: 'image',
  avgPool2dGradient: 'image',
  maxPool2d: 'image',
  maxPool2dGradient: 'image',
  batchNormalize: 'follow',
  softmax: 'follow',
  logSoftmax: 'follow',
  relu: 'follow',
};

/** The tensors that are held as [batch, height, width, channels]. */
export function channelsLastTensors(graph: Graph): ReadonlySet<Tensor> {
  const images = new Set<Tensor>();
  for (const node of graph.nodes) {
    const habit = habits[node.op];
    const follows = habit === 'follow' && node.inputs.some((x) => images.has(x));
    if (node.shape.length === 4 && (habit === 'image' || follows)) images.add(node);
  }
  return images;
}
