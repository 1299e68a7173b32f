// Which nodes get memory, and in which layout; and which reductions are finished by the elementwise operations after
// them before anything is stored.

import { type Graph, isOp, sameShape, type Tensor, unsplitAxes } from '@bn/core';
import { sizeOf } from '../rules/axes.js';
import { isElementwise } from '../rules/elementwise.js';
import { formOf, isLeaf, ruleOf } from '../rules/table.js';
import { arithmetic, keepsLanes, type LaneAxes } from './lane-axes.js';

export interface Storage {
  readonly stored: ReadonlySet<Tensor>;
  /** Stored with their lane axis in lanes, of inputs copies; the others are row-major. */
  readonly inLanes: ReadonlySet<Tensor>;
  /** Stored with their channels side by side. */
  readonly channelsLast: ReadonlySet<Tensor>;
  /** Nodes that are stored within what they are padded or concatenated to, and where, by axis. */
  readonly within: ReadonlyMap<Tensor, Placed>;
  /** For stored elementwise nodes: the reduction that their nest computes first. */
  readonly anchors: ReadonlyMap<Tensor, Tensor>;
}

interface Placed {
  readonly host: Tensor;
  readonly shift: readonly number[];
}

/** Products for each element of an input that make it worth while to copy it into lanes first. */
const packed = 16;
/** Costs of computing an element, in additions. Above these limits it is stored rather than computed twice, or nested. */
const limits = { shared: 6, nested: 60 };
/** And of reading an element of an argument, which does not have its lanes side by side. */
const gathered = 6;

type Users = Map<Tensor, { readonly user: Tensor; readonly operand: number }[]>;

export function chooseStorage(graph: Graph, lanes: LaneAxes, channelsLast: ReadonlySet<Tensor>): Storage {
  const users: Users = new Map();
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
    let inline = ruleOf(node).cost;
    let depth = 0;
    node.inputs.forEach((x) => {
      if (!stored.has(x)) inline += costs.get(x)!;
      depth = Math.max(depth, depths.get(x)!);
    });
    costs.set(node, inline);
    depths.set(node, depth + (crossesGroups(node, lanes) ? 1 : 0));
    const goesOn = outputs.has(node) ? false : followerOf(node, users, usedOnce) !== null;
    const follows = (x: Tensor) => usedOnce(x) || (!outputs.has(x) && followerOf(x, users, usedOnce) !== null);
    const sought = form === 'element' && !goesOn ? anchorOf(node, node, stored, follows) : null;
    // What a reduction is finished with must not wait for more groups than the reduction itself.
    const anchor = sought && lanes.get(sought) === lanes.get(node) && depth <= depths.get(sought)! ? sought : null;
    if (anchor) {
      anchors.set(node, anchor);
      stored.delete(anchor);
    }
    const needed = uses.some(({ user, operand }) => ruleOf(user).readsMemory(user as never, operand));
    const expanded = inline > 0 && uses.some(({ user }) => sizeOf(user) > sizeOf(node) && ruleOf(user).spreads);
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
  const layoutOf = (node: Tensor) => {
    if (!stored.has(node) || outputs.has(node)) return 'none';
    return inLanes.has(node) ? `lanes ${lanes.get(node)}` : channelsLast.has(node) ? 'channels last' : 'none';
  };
  return { stored, inLanes, channelsLast, within: placesWithin(graph, users, layoutOf), anchors };
}

/** What can be computed where a pad or a concatenation would copy it to. */
function placesWithin({ nodes }: Graph, users: Users, layoutOf: (node: Tensor) => string): Map<Tensor, Placed> {
  const placed = new Map<Tensor, Placed>();
  for (const host of nodes) {
    if (!isOp(host, 'pad') && !isOp(host, 'concat')) continue;
    let position = 0;
    for (const x of host.inputs) {
      const axis = isOp(host, 'concat') ? host.attributes.axis : -1;
      const shift = isOp(host, 'pad') ? host.attributes.before : x.shape.map((_, i) => (i === axis ? position : 0));
      position += axis < 0 ? 0 : x.shape[axis]!;
      const isOnce = host.inputs.indexOf(x) === host.inputs.lastIndexOf(x);
      const layout = isLeaf(x) || placed.has(x) || !isOnce ? 'none' : layoutOf(x);
      const isFree = users
        .get(x)!
        .every(({ user }) => !isOp(user, 'gather') && (!isOp(user, 'reshape') || keepsSides(user, host)));
      if (layout !== 'none' && layout === layoutOf(host) && isFree) placed.set(x, { host, shift });
    }
  }
  return placed;
}

/** Whether axes of a reshape's operand that are longer in `host` stay as they are. */
function keepsSides({ inputs: [x], shape }: Tensor, host: Tensor): boolean {
  const kept = unsplitAxes(x.shape as number[], shape as number[]).map(([axis]) => axis);
  return x.shape.every((n, axis) => n === host.shape[axis] || kept.includes(axis));
}

/** Whether a node is a reduction over the axis in lanes. */
function crossesGroups(node: Tensor, lanes: LaneAxes): boolean {
  const inLanes = (x: Tensor) => (lanes.get(x) ?? null) !== null;
  return !inLanes(node) && node.inputs.some(inLanes);
}

/** The elementwise operation in which all goes on that is computed from `node`, as x · sigmoid(x) from x. */
function followerOf(node: Tensor, users: Users, usedOnce: (node: Tensor) => boolean): Tensor | null {
  const isAlike = (user: Tensor) => isElementwise(user) && sameShape(user.shape, node.shape);
  const own = users.get(node)!;
  const last = own.at(-1)?.user;
  for (const { user } of own) {
    let next = user;
    while (next !== last && isAlike(next) && usedOnce(next)) next = users.get(next)![0].user;
    if (next !== last) return null;
  }
  return last && isAlike(last) ? last : null;
}

/** A reduction that `node` is computed from, elementwise, and that nothing else uses. */
function anchorOf(
  root: Tensor,
  node: Tensor,
  stored: ReadonlySet<Tensor>,
  follows: (node: Tensor) => boolean,
): Tensor | null {
  if (!isElementwise(node)) return null;
  for (const x of node.inputs) {
    if (isLeaf(x) || !follows(x) || !sameShape(x.shape, root.shape)) continue;
    if (formOf(x) === 'reduce' && x.op !== 'argmax' && x.dtype === 'float32') return x;
    const deeper = stored.has(x) || formOf(x) !== 'element' ? null : anchorOf(root, x, stored, follows);
    if (deeper) return deeper;
  }
  return null;
}

/** Elements that users read, also those behind moves of elements. */
function elementsRead(node: Tensor, users: Users): number {
  let sum = 0;
  for (const { user, operand } of users.get(node)!) {
    sum += ruleOf(user).elementsRead(user as never, operand) ?? elementsRead(user, users);
  }
  return sum;
}
