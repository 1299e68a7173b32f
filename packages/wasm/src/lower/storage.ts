// Which nodes get memory, and in which layout; and which reductions are finished by the elementwise operations after
// them before anything is stored.

import { type Graph, isOp, sameShape, type Tensor } from '@bn/core';
import { isElementwise } from './elementwise.js';
import { arithmetic, keepsLanes, type LaneAxes, sizeOf } from './lane-axes.js';
import type { Form } from './rule.js';
import { ruleOf } from './rules.js';
import { isTileTransform, timesRead } from './tile-transform.js';

export interface Storage {
  readonly stored: ReadonlySet<Tensor>;
  /** Stored with their lane axis in lanes, of inputs copies; the others are row-major. */
  readonly inLanes: ReadonlySet<Tensor>;
  /** For stored elementwise nodes: the reduction that their nest computes first. */
  readonly anchors: ReadonlyMap<Tensor, Tensor>;
}

/** Products for each element of an input that make it worth while to copy it into lanes first. */
const packed = 16;
/** Costs of computing an element, in additions. Above these limits it is stored rather than computed twice, or nested. */
const limits = { shared: 6, nested: 60 };
/** And of reading an element of an argument, which does not have its lanes side by side. */
const gathered = 6;

export function chooseStorage(graph: Graph, lanes: LaneAxes): Storage {
  const users = new Map<Tensor, { user: Tensor; operand: number }[]>();
  for (const user of graph.nodes) {
    users.set(user, []);
    user.inputs.forEach((x, operand) => {
      users.get(x)!.push({ user, operand });
    });
  }
  const outputs = new Set(graph.outputs.values());
  const stored = new Set<Tensor>();
  const anchors = new Map<Tensor, Tensor>();
  const costs = new Map<Tensor, number>();
  /** Reductions over all groups that what uses a node comes after. */
  const depths = new Map<Tensor, number>();
  const usedOnce = (node: Tensor) => users.get(node)!.length === 1 && !outputs.has(node);

  for (const node of graph.nodes) {
    if (isLeaf(node)) {
      costs.set(node, (lanes.get(node) ?? null) === null ? 0 : gathered);
      depths.set(node, 0);
      continue;
    }
    const form = formOf(node);
    const uses = users.get(node)!;
    let inline = costOf(node);
    let depth = 0;
    node.inputs.forEach((x) => {
      if (!stored.has(x)) inline += costs.get(x)!;
      depth = Math.max(depth, depths.get(x)!);
    });
    costs.set(node, inline);
    depths.set(node, depth + (crossesGroups(node, lanes) ? 1 : 0));
    const follower = usedOnce(node) ? uses[0].user : null;
    const goesOn = follower !== null && isElementwise(follower) && sameShape(follower.shape, node.shape);
    const sought = form === 'element' && !goesOn ? anchorOf(node, node, stored, usedOnce) : null;
    // What a reduction is finished with must not wait for more groups than the reduction itself.
    const anchor = sought && lanes.get(sought) === lanes.get(node) && depth <= depths.get(sought)! ? sought : null;
    if (anchor) {
      anchors.set(node, anchor);
      stored.delete(anchor);
    }
    const needed = uses.some(({ user, operand }) => readsMemory(user, operand));
    const expanded = inline > 0 && uses.some(({ user }) => sizeOf(user) > sizeOf(node) && isSpread(user));
    const again = uses.length > 1 || elementsRead(node, users) > sizeOf(node);
    const shared = again && inline > limits.shared;
    // One element of the axis in lanes is taken when all groups are there, not within each of them.
    const taken = node.op === 'slice' && crossesGroups(node, lanes);
    if (taken || form !== 'element' || anchor || needed || expanded || shared || inline > limits.nested)
      stored.add(node);
  }
  const inLanes = new Set<Tensor>();
  // Nodes whose users, also those behind nodes that are not stored, take lanes as they are. Users come first.
  const followed = new Set<Tensor>();
  for (const node of [...graph.nodes].reverse()) {
    const axis = lanes.get(node) ?? null;
    const kept = users.get(node)!.every(({ user, operand }) => {
      const isNest = stored.has(user) || formOf(user) !== 'element';
      if (!isNest && !followed.has(user)) return false;
      return axis === null || keepsLanes(user, lanes.get(user) ?? null, operand, axis);
    });
    if (kept) followed.add(node);
    const isCopied =
      isOp(node, 'input') && users.get(node)!.some(({ user }) => arithmetic(user) > packed * sizeOf(node));
    const has = kept && !outputs.has(node) && axis !== null;
    if (has && (!isLeaf(node) || isCopied)) inLanes.add(node);
  }
  return { stored, inLanes, anchors };
}

/** Whether a node is a reduction over the axis in lanes. */
function crossesGroups(node: Tensor, lanes: LaneAxes): boolean {
  const inLanes = (x: Tensor) => (lanes.get(x) ?? null) !== null;
  return !inLanes(node) && node.inputs.some(inLanes);
}

export function isLeaf(node: Tensor): boolean {
  return node.op === 'input' || node.op === 'constant';
}

export function formOf(node: Tensor): Form {
  const rule = ruleOf(node);
  if (rule.form) return rule.form(node as never);
  return rule.element ? 'element' : rule.reduce ? 'reduce' : 'nests';
}

/** A reduction that `node` is computed from, elementwise, and that nothing else uses. */
function anchorOf(
  root: Tensor,
  node: Tensor,
  stored: ReadonlySet<Tensor>,
  usedOnce: (node: Tensor) => boolean,
): Tensor | null {
  if (!isElementwise(node)) return null;
  for (const x of node.inputs) {
    if (isLeaf(x) || !usedOnce(x) || !sameShape(x.shape, root.shape)) continue;
    if (formOf(x) === 'reduce' && x.op !== 'argmax' && x.dtype === 'float32') return x;
    const deeper = stored.has(x) || formOf(x) !== 'element' ? null : anchorOf(root, x, stored, usedOnce);
    if (deeper) return deeper;
  }
  return null;
}

function costOf(node: Tensor): number {
  return costs[node.op] ?? 0;
}

const costs: Readonly<Record<string, number>> = {
  ...{ add: 1, sub: 1, mul: 1, maximum: 1, minimum: 1, neg: 1, equal: 1, less: 1, where: 1, cast: 1 },
  ...{ div: 4, sqrt: 4, exp: 10, log: 12, tanh: 12, sigmoid: 12, erf: 12 },
};

/** Whether a user reads an operand element again and again, or at computed places. */
export function readsMemory(user: Tensor, operand: number): boolean {
  if (isElementwise(user)) return false;
  return user.op === 'matmul' || user.op.startsWith('conv2d') || user.op.includes('Pool')
    ? formOf(user) !== 'element'
    : user.op === 'gather' && operand === 0;
}

/** Elements that users read, also those behind moves of elements. */
function elementsRead(node: Tensor, users: ReadonlyMap<Tensor, readonly { user: Tensor }[]>): number {
  return users.get(node)!.reduce((sum, { user }) => {
    if (isTileTransform(user)) return sum + sizeOf(node) * timesRead(user);
    const moves = user.op === 'slice' || user.op === 'reshape' || user.op === 'transpose';
    return sum + (moves ? elementsRead(user, users) : Math.min(sizeOf(user), sizeOf(node)));
  }, 0);
}

/** Whether a user may need an operand element for several of its own. */
function isSpread(user: Tensor): boolean {
  return isElementwise(user) || user.op === 'broadcastTo' || user.op === 'gather';
}
