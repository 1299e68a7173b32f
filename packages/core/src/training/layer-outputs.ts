// What each layer of a network gives to the next, found in the traced graph.

import { createGraph } from '../graph.js';
import type { Tensor } from '../tensor.js';

/**
 * The float32 output of each layer that computes something, by path, in the order of computation. The empty path stands
 * for the network itself: what it computes outside all layers, e.g. the scaling of pixels.
 */
export function layerOutputs(output: Tensor): Map<string, Tensor> {
  const outputs = new Map<string, Tensor>();
  // Nodes are in the order of computation: the last of a layer is its output.
  for (const node of createGraph({ output }).nodes) {
    if (node.op === 'input' || node.op === 'constant' || node.dtype !== 'float32') continue;
    outputs.delete(node.origin.layer); // a layer around others stands where it ends
    outputs.set(node.origin.layer, node);
  }
  return outputs;
}

/** The layer that a parameter or state belongs to: `block1.bn2` of `block1.bn2.gamma`. */
export function layerOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.')));
}
