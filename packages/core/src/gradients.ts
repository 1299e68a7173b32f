// Reverse-mode differentiation, graph to graph: gradients are nodes made of the same operations.

import { BnError } from './errors.js';
import { operandsFirst } from './graph.js';
import { fill } from './ops/composed.js';
import { add } from './ops/elementwise.js';
import { decomposeNode, type FusedName, fused } from './ops/fused.js';
import type { Definition } from './primitive.js';
import { primitives } from './primitives.js';
import { formatShape, sameShape } from './spec.js';
import { type OperationName, type Tensor, withOrigin } from './tensor.js';

/**
 * The gradients of `y` with respect to each of `xs`, as tensors of their shapes; zeros where y does not depend on x.
 *
 * @param dy the gradient of `y` itself, of y's shape; ones when left out (the gradient of the sum of y).
 * @throws `gradient` when y depends on an x through something that has no derivative of the needed order.
 */
export function gradients(y: Tensor, xs: readonly Tensor[], dy: Tensor = fill(y.shape, 1)): Tensor[] {
  return gradientsThrough(differentiationInputs, y, xs, dy);
}

/** @param inputsOf what a node is differentiated by: nothing for one that is to be taken as an independent variable */
function gradientsThrough(
  inputsOf: (node: Tensor) => readonly Tensor[],
  y: Tensor,
  xs: readonly Tensor[],
  dy: Tensor,
): Tensor[] {
  const order = dependents(y, new Set(xs), inputsOf);
  const gradientOf = new Map<Tensor, Tensor>([[y, dy]]);
  for (const node of [...order].reverse()) {
    const dNode = gradientOf.get(node);
    if (!dNode) continue;
    withOrigin({ layer: node.origin.layer, direction: 'backward' }, () => {
      const parents = inputsOf(node);
      if (parents.length === 0) return;
      const contributions = inputGradients(node, dNode, parents);
      parents.forEach((x, i) => {
        const dx = contributions[i];
        if (!dx || !order.has(x)) return;
        requireSameShape(node, x, dx);
        const before = gradientOf.get(x);
        gradientOf.set(x, before ? add(before, dx) : dx);
      });
    });
  }
  return xs.map((x) => gradientOf.get(x) ?? fill(x.shape, 0));
}

/** The nodes through which y depends on one of xs, xs included, inputs before users. */
function dependents(
  y: Tensor,
  xs: ReadonlySet<Tensor>,
  inputsOf: (node: Tensor) => readonly Tensor[],
): ReadonlySet<Tensor> {
  const order = new Set<Tensor>();
  for (const node of operandsFirst(y, undefined, inputsOf)) {
    if (xs.has(node) || inputsOf(node).some((x) => order.has(x))) order.add(node);
  }
  return order;
}

function differentiationInputs(node: Tensor): readonly Tensor[] {
  return node.customGradient?.inputs ?? node.inputs;
}

function inputGradients(node: Tensor, dy: Tensor, parents: readonly Tensor[]): readonly (Tensor | null)[] {
  if (node.customGradient) return node.customGradient.backward(dy, node);
  if (node.op === 'input' || node.op === 'constant') return [];
  const isFused = node.op in fused;
  const definition = (isFused ? fused : primitives)[node.op as never] as Definition<OperationName>;
  if (definition.gradient) return definition.gradient(node, dy);
  if (!isFused) return []; // a primitive that stops gradients
  // Partial derivatives: how the operands depend on each other is the graph's matter.
  const inputsOf = (inner: Tensor) => (parents.includes(inner) ? [] : differentiationInputs(inner));
  const contributions = gradientsThrough(inputsOf, decomposeNode(node as Tensor<FusedName>), parents, dy);
  // An operand that stands there twice has all of its gradient at the first place.
  return contributions.map((dx, i) => (parents.indexOf(parents[i]!) === i ? dx : null));
}

function requireSameShape(node: Tensor, x: Tensor, dx: Tensor): void {
  if (sameShape(x.shape, dx.shape)) return;
  const seen = `gradient of ${node.op}: expected ${formatShape(x.shape)}, got ${formatShape(dx.shape)}`;
  throw new BnError('gradient', `${seen}; a gradient has the shape of what it belongs to`);
}
