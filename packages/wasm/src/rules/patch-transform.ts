// Linear combinations of what lies in the patches of an image: an operation of this compiler's own, with which
// convolutions are transformed. In a graph of primitives each would be some hundred nodes.

import { Tensor } from '@bn/core';
import { binary, constant } from '../ir/expressions.js';
import { Index } from '../ir/index-form.js';
import type { Expression } from '../ir/nest.js';
import { sizeOf } from './axes.js';
import type { Rule } from './rule.js';

export interface PatchTransform {
  /** Of images [batch, channels, height, width]: the one that the patches lie along. */
  readonly axis: 2 | 3;
  readonly patches: number;
  /** Channels of the operand are so many blocks. */
  readonly blocks: number;
  /** Element i of patch t stands in this block, at `start` + `step` · t along the axis. */
  readonly elements: readonly (readonly [block: number, start: number])[];
  readonly step: number;
  /** Result r of a patch is Σ_i coefficients[r][i] · element i. */
  readonly coefficients: readonly (readonly number[])[];
  /** Results become blocks of channels, or lie side by side along the axis. */
  readonly to: 'channels' | 'axis';
  /** All of an image lies in one row then. */
  readonly inRow: boolean;
}

type PatchTransformNode = Tensor & { readonly attributes: PatchTransform };

/** @returns float32 [batch, channels, height, width] */
export function patchTransform(x: Tensor, attributes: PatchTransform): Tensor {
  const { axis, patches, blocks, coefficients, to, inRow } = attributes;
  const [batch, channels, ...image] = x.shape as number[];
  const results = coefficients.length;
  image[axis - 2] = to === 'axis' ? patches * results : patches;
  const spatial = inRow ? [1, image[0] * image[1]] : image;
  const shape = [batch, (channels / blocks) * (to === 'axis' ? 1 : results), ...spatial];
  // Operations of graphs are a closed set, to which this one does not belong.
  return new Tensor('patchTransform' as never, [x], attributes as never, { shape, dtype: 'float32' });
}

export const patchTransformRule: Rule<never> = {
  parallel: () => [{ operand: 0, axis: 0, own: 0 }],
  contracted: () => [],
  takesLanes: (_, axis) => axis === 0,
  ...{ mixesRows: () => false, products: () => 0, cost: 0, readsMemory: () => false, spreads: false },
  // Patches may overlap.
  elementsRead: (node: PatchTransformNode) => {
    const { elements, blocks, step } = node.attributes;
    return sizeOf(node.inputs[0]) * (elements.length / (blocks * step));
  },
  rounding: () => 'bits',
  nests: (node: PatchTransformNode, target, lowering) => {
    const [x] = node.inputs;
    const { axis, patches, blocks, elements, step, coefficients, to, inRow } = node.attributes;
    const [batch, channels, ...image] = x.shape as number[];
    const each = channels / blocks;
    const shape = [batch, each, ...image].with(axis, patches);
    const { loops, indices } = lowering.loops(shape, lowering.laneAxis(node), 'i');
    const reads = elements.map(([block, start]) => {
      const at = indices.with(axis, indices[axis].times(step).plus(start));
      return lowering.at(x, at.with(1, at[1].plus(block * each)));
    });
    const values =
      to === 'axis' ? combinations(coefficients, reads) : coefficients.map((row) => combineHalves(row, reads));
    const statements = values.map((value, result) => {
      const at =
        to === 'axis'
          ? indices.with(axis, indices[axis].times(values.length).plus(result))
          : indices.with(1, indices[1].plus(result * each));
      const row = [at[0], at[1], new Index(0), at[2].times(shape[3]).plus(at[3])];
      return { target: lowering.write(target, inRow ? row : at), value, reduction: null };
    });
    return [{ name: 'transform', outer: loops, inner: [], statements }];
  },
};

/** Σ coefficient · element for each row; elements for opposite points are added and subtracted once. */
export function combinations(rows: readonly (readonly number[])[], elements: readonly Expression[]): Expression[] {
  const terms: { x: Expression; coefficients: readonly number[] }[] = [];
  for (let i = 0; i < elements.length; i++) {
    const own = rows.map((row) => row[i]);
    const next = rows.map((row) => row[i + 1]);
    if (!own.every((c, r) => Math.abs(c) === Math.abs(next[r]))) {
      terms.push({ x: elements[i], coefficients: own });
      continue;
    }
    const [a, b] = [elements[i], elements[++i]];
    terms.push({ x: binary('add', a, b), coefficients: own.map((c, r) => (c === next[r] ? c : 0)) });
    terms.push({ x: binary('sub', a, b), coefficients: own.map((c, r) => (c === next[r] ? 0 : c)) });
  }
  return rows.map((_, r) =>
    combine(
      terms.map(({ coefficients }) => coefficients[r]),
      terms.map(({ x }) => x),
    ),
  );
}

/** Σ coefficient · element */
function combine(coefficients: readonly number[], elements: readonly Expression[]): Expression {
  const terms = coefficients.flatMap((c, i) => (c === 0 ? [] : [{ c, x: elements[i] }]));
  const scaled = (x: Expression, c: number) => binary('mul', x, constant(c));
  // A term that needs no multiplication first.
  const first = terms.find(({ c }) => c === 1) ?? terms[0];
  return terms
    .filter((term) => term !== first)
    .reduce(
      (sum, { c, x }) => (c === -1 ? binary('sub', sum, x) : binary('add', sum, c === 1 ? x : scaled(x, c))),
      first.c === 1 ? first.x : scaled(first.x, first.c),
    );
}

/** The same, with even and odd places apart: they are equal for opposite points but for the sign. */
export function combineHalves(coefficients: readonly number[], elements: readonly Expression[]): Expression {
  const [even, odd] = [0, 1].map((half) => coefficients.map((c, i) => (i % 2 === half ? c : 0)));
  const isEmpty = (half: readonly number[]) => half.every((c) => c === 0);
  if (isEmpty(odd) || isEmpty(even)) return combine(coefficients, elements);
  const sign = odd.find((c) => c !== 0)! < 0 ? -1 : 1;
  const other = odd.map((c) => c * sign);
  return binary(sign === 1 ? 'add' : 'sub', combine(even, elements), combine(other, elements));
}
