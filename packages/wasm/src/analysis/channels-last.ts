// Which images lie in memory with their channels side by side. With fewer images than lanes, lanes are on channels: of
// these there are many in every layer, while rows become short.

import { type Graph, isOp, type Tensor, unsplitAxes } from '@bn/core';
import { isLeaf } from '../rules/table.js';
import { smallestAxis } from './lane-axes.js';

/**
 * The images of a network whose filters are known, so that these can be brought into any order at compilation; none if
 * there are as many images as lanes.
 */
export function channelsLast({ nodes }: Graph): ReadonlySet<Tensor> {
  const convolutions = nodes.filter((node) => node.op.startsWith('conv2d'));
  const isKnown = convolutions.every((node) => isOp(node, 'conv2d') && isOp(node.inputs[1], 'constant'));
  if (!isKnown || convolutions.every(({ shape }) => shape[0]! >= smallestAxis)) return new Set();
  const images = new Set(nodes.filter((node) => !isLeaf(node) && isImage(node)));
  // Others address row-major memory.
  for (const node of nodes) {
    if (isOp(node, 'gather') || (isOp(node, 'reshape') && !keepsChannels(node))) images.delete(node.inputs[0]);
  }
  return images;
}

function isImage({ shape, dtype }: Tensor): boolean {
  return shape.length === 4 && dtype === 'float32' && shape[1]! >= smallestAxis && shape[2]! * shape[3]! > 1;
}

/** Whether channels are not counted together with rows and columns. */
function keepsChannels({ shape, inputs: [x] }: Tensor): boolean {
  const kept = unsplitAxes(x.shape as number[], shape as number[]).map(([axis]) => axis);
  const after = x.shape.slice(2).every((n, i) => n === 1 || kept.includes(i + 2));
  return kept.includes(1) || (after && (x.shape[0] === 1 || kept.includes(0)));
}
