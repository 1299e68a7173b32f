// Where the examples of a batch lie in a tensor, and what an operation does to them.

import { parallelAxes, reducedAxes } from '../axes.js';
import { numberOf } from '../simplify/numbers.js';
import { type Shape, sameShape } from '../spec.js';
import { isOp, type Tensor } from '../tensor.js';

/** One block of elements for each example, one after the other along an axis. */
export interface Rows {
  readonly axis: number;
  /** Elements of one example along the axis. */
  readonly block: number;
}

/** What an operation does to rows. */
export type Effect =
  | { readonly kind: 'kept'; readonly rows: Rows }
  | { readonly kind: 'reduced' }
  /** Takes the first example alone. */
  | { readonly kind: 'first' }
  | { readonly kind: 'mixed' };

const mixed: Effect = { kind: 'mixed' };

/**
 * What a node does to the rows of its operands, of which some have rows.
 *
 * @param examples in the batch
 */
export function effectOf(node: Tensor, rowsOf: (operand: Tensor) => Rows | null, examples: number): Effect {
  const operands = node.inputs.map(rowsOf);
  if (isOp(node, 'reshape')) return keptIf(reshaped(node.inputs[0]!.shape, node.shape, operands[0]!, examples));
  if (isOp(node, 'gather')) return keptIf(gathered(node, rowsOf, examples));
  if (isOp(node, 'slice')) {
    const { axis, block } = operands[0]!;
    const [start, end] = [node.attributes.start[axis]!, node.attributes.end[axis]!];
    if (end - start === examples * block) return { kind: 'kept', rows: operands[0]! };
    return block === 1 && start === 0 && end === 1 ? { kind: 'first' } : mixed;
  }
  const along = (list: readonly { operand: number; axis: number }[]) =>
    list.filter(({ operand, axis }) => operands[operand]?.axis === axis);
  const withRows = operands.filter((rows) => rows !== null);
  const reduced = along(reducedAxes(node));
  const kept = along(parallelAxes(node)) as { operand: number; axis: number; own: number }[];
  if (reduced.length === withRows.length && kept.length === 0) return { kind: 'reduced' };
  const [first] = kept;
  const [{ block }] = withRows as [Rows, ...Rows[]];
  const agree = reduced.length === 0 && kept.length === withRows.length && kept.every(({ own }) => own === first!.own);
  return agree && withRows.every((rows) => rows.block === block) ? keptIf({ axis: first!.own, block }) : mixed;
}

function keptIf(rows: Rows | null): Effect {
  return rows ? { kind: 'kept', rows } : mixed;
}

/** Where rows are after a reshape; null if it takes them apart. */
function reshaped(from: Shape, to: Shape, { axis, block }: Rows, examples: number): Rows | null {
  const product = (shape: Shape) => shape.reduce<number>((size, n) => size * n!, 1);
  const before = product(from.slice(0, axis));
  if (from[axis] !== examples * block) return null;
  const own = to.findIndex((n, i) => n! % examples === 0 && n !== 0 && product(to.slice(0, i)) === before);
  return own < 0 ? null : { axis: own, block: to[own]! / examples };
}

/** Entries of each example, by indices that are the same for all; entries of anything, by indices of each; or of its own. */
function gathered(node: Tensor<'gather'>, rowsOf: (operand: Tensor) => Rows | null, examples: number): Rows | null {
  const [x, indices] = node.inputs as [Tensor, Tensor];
  const { axis } = node.attributes;
  const [own, named] = [rowsOf(x), rowsOf(indices)];
  if (!own) return { axis: axis + named!.axis, block: named!.block };
  if (!named) {
    if (own.axis === axis) return null;
    return { ...own, axis: own.axis < axis ? own.axis : own.axis + indices.shape.length - 1 };
  }
  if (own.axis !== axis || stepOf(indices, named.axis, rowsOf, examples) !== own.block) return null;
  return { axis: axis + named.axis, block: named.block };
}

/** Operations through which `stepOf` looks: what a computed index is made of. */
export const indexArithmetic: ReadonlySet<string> = new Set([
  'add',
  'sub',
  'mul',
  'reshape',
  'broadcastTo',
  'transpose',
]);

/**
 * By how much an index grows from each example to the next, beside what does not come from the example's number in the batch;
 * null where that is not known.
 */
function stepOf(node: Tensor, axis: number, rowsOf: (operand: Tensor) => Rows | null, examples: number): number | null {
  const size = node.shape[axis] ?? 1;
  if (size === 1) return 0;
  if (isOp(node, 'iota')) return node.attributes.axis === axis ? size / examples : 0;
  if (!indexArithmetic.has(node.op)) return 0; // such numbers are refused there
  const steps = node.inputs.map((x, operand) => {
    const at = rowsOf(x)?.axis ?? axisOfOperand(node, operand, axis);
    return at === null ? null : stepOf(x, at, rowsOf, examples);
  });
  if (steps.includes(null)) return null;
  const [a, b = 0] = steps as [number, number?];
  if (isOp(node, 'add')) return a + b;
  if (isOp(node, 'sub')) return a - b;
  if (!isOp(node, 'mul')) return a;
  if (a !== 0 && b !== 0) return null;
  const factor = numberOf(node.inputs[a === 0 ? 0 : 1]!);
  return a + b === 0 ? 0 : factor === undefined ? null : (a + b) * factor;
}

/** The axis of an operand without rows that runs along with this one; −1 if it has none, null if that is not known. */
export function axisOfOperand(node: Tensor, operand: number, own: number): number | null {
  const x = node.inputs[operand]!;
  if (isOp(node, 'transpose')) return node.attributes.permutation[own]!;
  if (isOp(node, 'reshape')) {
    const size = node.shape[own]!;
    // Whole as it is, whatever lies before and behind.
    const rows = reshaped(node.shape, x.shape, { axis: own, block: 1 }, size);
    return rows && rows.block === 1 ? rows.axis : null;
  }
  return Math.max(-1, own - node.shape.length + x.shape.length);
}

/** Row i is row i + `by` of `x`, the first following after the last: what a mixed batch is mixed with. */
export interface Turn {
  readonly x: Tensor;
  readonly by: number;
}

/** Whether a node joins two parts of a tensor with rows, the later one first; null if not. */
export function turnOf(node: Tensor, rowsOf: (operand: Tensor) => Rows | null): Turn | null {
  const [late, early] = node.inputs;
  if (!isOp(node, 'concat') || node.inputs.length !== 2 || !isOp(late!, 'slice') || !isOp(early!, 'slice')) return null;
  const [x] = late.inputs as [Tensor];
  const { axis } = node.attributes;
  const rows = rowsOf(x);
  if (x !== early.inputs[0] || rows?.axis !== axis || rows.block !== 1 || !sameShape(x.shape, node.shape)) return null;
  const by = late.attributes.start[axis]!;
  const isWhole = late.attributes.end[axis] === x.shape[axis] && early.attributes.start[axis] === 0;
  return isWhole && early.attributes.end[axis] === by ? { x, by } : null;
}
