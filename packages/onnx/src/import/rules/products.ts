// Matrix products.

import { constant, formatShape, ops, type Shape, scalar, sizeOf, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';

export const products: ImportRules = {
  // alpha · A′ · B′ + beta · C
  Gemm: (node) => {
    const { attributes } = node;
    const transposed = { transposeA: attributes.int('transA', 0) !== 0, transposeB: attributes.int('transB', 0) !== 0 };
    const product = scaled(ops.matmul(matrix(node, 0), matrix(node, 1), transposed), attributes.float('alpha', 1));
    const beta = attributes.float('beta', 1);
    return node.has(2) && beta !== 0 ? ops.add(product, scaled(node.tensor(2), beta)) : product;
  },
  // A line is a row at the left and a column at the right; the result is without that axis.
  MatMul: (node) => {
    const [a, b] = [node.tensor(0), node.tensor(1)];
    const isLine = [a.shape.length === 1, b.shape.length === 1];
    if (a.shape.length === 0 || b.shape.length === 0) throw node.unsupported('a product of single numbers');
    const left = isLine[0] ? ops.reshape(a, [1, a.shape[0]!]) : a;
    const right = isLine[1] ? ops.reshape(b, [b.shape[0]!, 1]) : b;
    const y = ops.matmul(left, right);
    const rank = y.shape.length;
    const kept = y.shape.filter((_, i) => !(isLine[0] && i === rank - 2) && !(isLine[1] && i === rank - 1));
    return kept.length === rank ? y : ops.reshape(y, kept);
  },
  Einsum: (node) => {
    const equation = node.attributes.string('equation', '').replace(/ /g, '');
    const [, left = '', right, given] = /^([a-z.]*)(?:,([a-z.]*))?(?:->([a-z.]*))?$/i.exec(equation) ?? [];
    // One operand is summed and transposed, as if it was multiplied by 1.
    const a = node.tensor(0);
    const b = right === undefined ? scalar(1) : node.tensor(1);
    const ranks = [a, b].map(({ shape }, i) => shape.length - [left, right ?? ''][i]!.replace('...', '').length);
    // Characters that no equation has.
    const most = Math.max(0, ...ranks);
    const dots = String.fromCodePoint(...Array.from({ length: most }, (_, i) => 0x391 + i));
    const named = (labels: string, rank: number) => labels.replace('...', dots.slice(most - rank));
    const [first, second] = [named(left, ranks[0]!), named(right ?? '', ranks[1]!)];
    const all = [...first, ...second];
    const once = all.filter((label) => !dots.includes(label) && all.indexOf(label) === all.lastIndexOf(label)).sort();
    const output = given === undefined ? (equation.includes('.') ? dots : '') + once.join('') : named(given, most);
    const isRead = equation.length > 0 && !`${first}${second}${output}`.includes('.') && isPlain(output);
    if (!isRead || node.node.inputs.length > 2) throw node.unsupported(`the equation '${equation}'`);
    const [x, xLabels] = diagonal(a, first, node);
    const [y, yLabels] = diagonal(b, second, node);
    return einsum(x, y, [xLabels, yLabels, output], node);
  },
};

function isPlain(labels: string): boolean {
  return new Set(labels).size === labels.length;
}

/** Of axes with the same label, the elements where they have the same index. */
function diagonal(x: Tensor, labels: string, node: NodeContext): [Tensor, string] {
  if (x.shape.length !== labels.length)
    throw damaged(`its equation is of ${labels.length} axes, not ${x.shape.length}`);
  const i = [...labels].findIndex((label, at) => labels.indexOf(label) < at);
  if (i < 0) return [x, labels];
  const j = labels.indexOf(labels[i]!);
  const size = x.shape[i];
  if (size == null || x.shape[j] !== size) throw node.unsupported(`axes '${labels[i]}' of different sizes`);
  const rest = [...x.shape.keys()].filter((axis) => axis !== i && axis !== j);
  const shape = rest.map((axis) => x.shape[axis]!);
  const joined = ops.reshape(ops.transpose(x, [...rest, j, i]), [...shape, size * size]);
  const places = Array.from({ length: size }, (_, k) => k * (size + 1));
  const y = ops.gather(joined, constant(places, [size], 'int32'), rest.length);
  return diagonal(y, rest.map((axis) => labels[axis]).join('') + labels[i], node);
}

/** A sum of products over the axes that the output lacks, as a matrix product of what is left. */
function einsum(
  a: Tensor,
  b: Tensor,
  [left, right, output]: readonly [string, string, string],
  node: NodeContext,
): Tensor {
  const sizes = new Map([...left].map((label, i) => [label, a.shape[i]!]));
  for (const [i, label] of [...right].entries()) {
    const [size, other] = [b.shape[i]!, sizes.get(label)];
    if (other !== undefined && other !== size) throw node.unsupported(`axes '${label}' of different sizes`);
    sizes.set(label, size);
  }
  const wanted = (labels: string, other: string) => [...labels].filter((label) => other.includes(label));
  const isOpen = (label: string) => sizes.get(label) === null;
  const own = (labels: string, other: string) => wanted(labels, output).filter((label) => !other.includes(label));
  const summed = wanted(left, right).filter((label) => !output.includes(label));
  const rows = own(left, right).filter((label) => !isOpen(label));
  const columns = own(right, left).filter((label) => !isOpen(label));
  /** In both, or the open batch, which is not joined with other axes. */
  const leading = [...output].filter((label) => !rows.includes(label) && !columns.includes(label));
  const sizesOf = (labels: readonly string[]): Shape => labels.map((label) => sizes.get(label)!);
  const arranged = (x: Tensor, labels: string, groups: readonly (readonly string[])[]) => {
    const kept = [...leading.filter((label) => labels.includes(label)), ...groups.flat()];
    const gone = [...labels].flatMap((label, i) => (kept.includes(label) ? [] : [i]));
    const rest = [...labels].filter((_, i) => !gone.includes(i));
    const moved = ops.transpose(
      gone.length > 0 ? ops.sum(x, gone) : x,
      kept.map((label) => rest.indexOf(label)),
    );
    const joined = groups.map((group) => {
      if (group.some(isOpen) && group.length > 1) throw node.unsupported('it joins the batch with other axes');
      return group.length === 1 ? sizes.get(group[0]!)! : sizeOf(sizesOf(group) as number[]);
    });
    const first = leading.map((label) => (labels.includes(label) ? sizes.get(label)! : 1));
    return ops.reshape(moved, [...first, ...joined]);
  };
  const product = ops.matmul(arranged(a, left, [rows, summed]), arranged(b, right, [summed, columns]));
  const labels = [...leading, ...rows, ...columns];
  const order = [...output].map((label) => labels.indexOf(label));
  return ops.transpose(ops.reshape(product, sizesOf(labels)), order);
}

function matrix(node: NodeContext, i: number): Tensor {
  const x = node.tensor(i);
  if (x.shape.length >= 2) return x;
  throw node.unsupported(`its input ${i} has the shape ${formatShape(x.shape)}, with less than two axes`);
}

function scaled(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : ops.mul(x, factor);
}
